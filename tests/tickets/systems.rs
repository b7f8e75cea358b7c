//! The adapter against each system, and against what no system should answer.

use std::collections::BTreeMap;
use std::net::TcpListener;

use landfall::base::digest::Digest;
use landfall::base::secret::Secret;
use landfall::base::span::{SourceMap, Span};
use landfall::base::time::Millis;
use landfall::model::notify::{SecretRef, WebAddress};
use landfall::model::tickets::{TicketAdapter, TicketForm, TicketUse, Tickets};
use landfall::ops::tickets::comment;
use landfall::ticket::desk::Desk;
use landfall::ticket::{Read, TicketError, TicketSystem as _};
use serde_json::json;

use crate::receiver::{Mood, NUMBER, Receiver, TOKEN, approval};

fn tickets(address: &str, adapter: TicketAdapter) -> Tickets {
    Tickets {
        adapter,
        url: WebAddress::new(address).unwrap(),
        user: None,
        token: SecretRef::new("env:TOKEN").unwrap(),
        required: TicketUse::Always,
        timeout: Some(Millis::from_secs(20)),
        form: TicketForm::standard(adapter),
        people: BTreeMap::new(),
        span: Span { source: SourceMap::default().add("x", ""), range: 0..0 },
    }
}

fn desk(receiver: &Receiver, adapter: TicketAdapter) -> Desk {
    Desk::new(&tickets(&receiver.address, adapter), None, &Secret::new(TOKEN)).unwrap()
}

fn service_now(receiver: &Receiver) -> Desk {
    desk(receiver, TicketAdapter::ServiceNow)
}

fn approvers(read: &Read) -> Vec<(&str, bool, bool)> {
    read.ticket.approvals.iter().map(|one| (one.approver.as_str(), one.approved, one.rejected)).collect()
}

#[tokio::test]
async fn a_change_request_of_servicenow_is_read_without_its_free_text() {
    let receiver = Receiver::start();
    receiver.desk(|desk| desk.approvals.push(approval("net.lead", "requested")));
    let user = Some(Secret::new("robot"));
    let tickets = tickets(&receiver.address, TicketAdapter::ServiceNow);
    let desk = Desk::new(&tickets, user.as_ref(), &Secret::new(TOKEN)).unwrap();
    let read = desk.read(NUMBER).await.unwrap();
    let ticket = &read.ticket;
    assert_eq!(
        (ticket.number.as_str(), ticket.state.as_str(), ticket.is_closed),
        (NUMBER, "Implement", false)
    );
    assert_eq!(ticket.requester.as_deref(), Some("pat.requester"));
    assert_eq!(approvers(&read), [("cab.chair", true, false), ("net.lead", false, false)]);
    assert_eq!(ticket.approvals[0].at, Some("2099-01-01T09:00:00Z".parse().unwrap()));
    assert_eq!(ticket.sites.iter().map(|site| site.as_str()).collect::<Vec<_>>(), ["HRB01"]);
    assert_eq!((ticket.begins.as_deref(), ticket.ends.as_deref()), (Some("2027-01-12 01:00:00"), None));
    assert!(ticket.url.ends_with("/nav_to.do?uri=change_request.do?sys_id=abc123"), "{}", ticket.url);
    let kept = serde_json::to_string(ticket).unwrap();
    assert!(!kept.contains("patient") && !kept.contains("ashore") && !kept.contains("party"), "{kept}");
    let seen = receiver.seen("GET");
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|one| one.authorization == "Basic cm9ib3Q6bm90LWEtcmVhbC10b2tlbg=="), "{seen:?}");
    assert_eq!(desk.find(NUMBER).await.as_deref(), Ok("abc123"));
    let none = TicketError::NotFound { number: "CHG0000001".to_owned() };
    assert_eq!(desk.read("CHG0000001").await, Err(none));
}

#[tokio::test]
async fn a_comment_is_written_once_and_read_back() {
    let (receiver, plan) = (Receiver::start(), Digest::of(b"plan"));
    let desk = service_now(&receiver);
    let text = format!("Plan sha256 {plan}");
    comment(&desk, NUMBER, &plan, &text).await.unwrap();
    assert!(desk.read(NUMBER).await.unwrap().ticket.commented.contains(&plan));
    // The answer is lost: what is there counts, and nothing is sent twice.
    receiver.desk(|desk| desk.mood = Mood::DropsAnswers);
    comment(&desk, NUMBER, &plan, &text).await.unwrap();
    assert_eq!(receiver.seen("PATCH").len(), 2);
    receiver.desk(|desk| (desk.mood, desk.notes) = (Mood::Good, String::new()));
    let found = desk.find(NUMBER).await.unwrap();
    assert_eq!(found, "abc123");
    receiver.desk(|desk| desk.mood = Mood::Status(503, 1));
    // The first look meets the error and is repeated; the comment then goes through.
    comment(&desk, NUMBER, &plan, &text).await.unwrap();
    assert_eq!(receiver.seen("PATCH").len(), 3);
}

#[tokio::test]
async fn an_issue_of_jira_is_read_and_commented_as_a_document() {
    let (receiver, plan) = (Receiver::start(), Digest::of(b"plan"));
    receiver.desk(|desk| desk.state = "Implementing".to_owned());
    let desk = desk(&receiver, TicketAdapter::Jira);
    desk.comment("OPS-7", &format!("Plan sha256 {plan}\nsecond line")).await.unwrap();
    let body = &receiver.seen("POST")[0].body["body"];
    assert_eq!(
        (&body["type"], &body["content"][1]["content"][0]["text"]),
        (&json!("doc"), &json!("second line"))
    );
    let read = desk.read("OPS-7").await.unwrap();
    assert_eq!((read.ticket.number.as_str(), approvers(&read)), ("OPS-7", vec![("cab.chair", true, false)]));
    assert!(read.ticket.commented.contains(&plan) && read.ticket.url.ends_with("/browse/OPS-7"));
    // A project without service management has no approvals of its own.
    let mut tickets = tickets(&receiver.address, TicketAdapter::Jira);
    tickets.form.approvals_read = "/rest/servicedeskapi/none/{number}".to_owned();
    let plain = Desk::new(&tickets, None, &Secret::new(TOKEN)).unwrap();
    assert_eq!(plain.read("OPS-7").await.unwrap().ticket.approvals, []);
}

#[tokio::test]
async fn any_other_system_is_read_by_declared_paths() {
    let receiver = Receiver::start();
    receiver.desk(|desk| desk.state = "approved".to_owned());
    let mut tickets = tickets(&receiver.address, TicketAdapter::Generic);
    let form = &mut tickets.form;
    for (to, from) in [
        (&mut form.read, "/tickets/{number}"),
        (&mut form.number, "/no"),
        (&mut form.state, "/status"),
        (&mut form.approver, "/by"),
    ] {
        *to = from.to_owned();
    }
    (form.sites, form.comments) = (vec!["/about".to_owned()], vec!["/log".to_owned()]);
    let read = Desk::new(&tickets, None, &Secret::new(TOKEN)).unwrap().read("T-1").await.unwrap();
    assert_eq!(
        (read.ticket.state.as_str(), approvers(&read)),
        ("approved", vec![("cab.chair", true, false)])
    );
}

#[tokio::test]
async fn hostile_answers_do_no_harm_and_are_told_apart() {
    let receiver = Receiver::start();
    let desk = service_now(&receiver);
    let elsewhere = Receiver::start();
    for (mood, expected, asked) in [
        (Mood::Status(500, 9), "the ticket system is down: it answered 500", 3),
        (Mood::Status(429, 9), "the ticket system is down: it answered 429", 3),
        (Mood::Status(401, 9), "the ticket system answered 401: the token, or what it may do, is wrong", 1),
        (Mood::Status(400, 9), "the ticket system refused it with 400", 1),
        (
            Mood::Redirects(format!("{}/steal", elsewhere.address)),
            "the ticket system's answer cannot be used: it is 302, which would lead elsewhere and is not followed",
            1,
        ),
        (Mood::Malformed, "the ticket system's answer cannot be used: it is not JSON", 1),
        (Mood::Huge, "the ticket system's answer cannot be used: it is larger than 4194304 bytes", 1),
        (Mood::Endless, "the ticket system's answer cannot be used: it is larger than 4194304 bytes", 1),
    ] {
        receiver.desk(|desk| (desk.mood, desk.seen) = (mood.clone(), Vec::new()));
        let told = desk.read(NUMBER).await.unwrap_err().to_string();
        assert_eq!(told, expected);
        assert_eq!(receiver.seen("GET").len(), asked, "{mood:?}");
    }
    assert_eq!(elsewhere.seen("GET"), [], "the token goes to one host only");
    receiver.desk(|desk| desk.mood = Mood::Status(503, 2));
    assert!(desk.read(NUMBER).await.is_ok(), "a short trouble is waited out");
    for odd in ["", "CHG1^ORnumber=CHG2", "../x", "a b"] {
        let told = desk.read(odd).await.unwrap_err().to_string();
        assert_eq!(told, "the ticket system cannot be asked: that is no number of a ticket");
    }
}

#[tokio::test]
async fn down_and_slow_are_told_apart() {
    let place = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", place.local_addr().unwrap());
    drop(place);
    let down = Desk::new(&tickets(&address, TicketAdapter::ServiceNow), None, &Secret::new(TOKEN)).unwrap();
    let told = down.read(NUMBER).await.unwrap_err().to_string();
    assert_eq!(told, "the ticket system is down: no connection could be made");
    let receiver = Receiver::start();
    receiver.desk(|desk| desk.mood = Mood::Hangs);
    let mut tickets = tickets(&receiver.address, TicketAdapter::ServiceNow);
    tickets.timeout = Some(Millis(50));
    let slow = Desk::new(&tickets, None, &Secret::new(TOKEN)).unwrap();
    let told = slow.read(NUMBER).await.unwrap_err().to_string();
    assert_eq!(told, "the ticket system is slow: no answer came within 50 ms");
    assert!(slow.comment(NUMBER, "x").await.is_err());
    assert_eq!(receiver.seen("PATCH"), []);
}

#[test]
fn a_token_that_cannot_be_sent_is_not_shown() {
    let tickets = tickets("https://example.service-now.com", TicketAdapter::ServiceNow);
    let told = Desk::new(&tickets, None, &Secret::new("hush\nhush")).err().unwrap().to_string();
    assert_eq!(told, "the ticket system cannot be asked: the token has characters that cannot be sent");
}
