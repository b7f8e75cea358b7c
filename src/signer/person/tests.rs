//! Tests with key files of `ssh-keygen` and with an agent that answers whatever it is told to.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;
use crate::evidence::sshsig::wire::{Reader, Writer};
use crate::model::signed::NAMESPACE;

const STEWARD: &str = include_str!("../../../tests/approvals/ssh/steward");
const STEWARD_PUB: &str = include_str!("../../../tests/approvals/ssh/steward.pub");
const LOCKED: &str = include_str!("../../../tests/approvals/ssh/locked");
const MESSAGE: &[u8] = include_bytes!("../../../tests/approvals/ssh/message");
const SIGNED: &str = include_str!("../../../tests/approvals/ssh/message.sha512.sig");

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_key_file_signs_as_ssh_keygen_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("id");
    write(&path, STEWARD, 0o600);
    let key = PersonKey::File(PersonFile::open(&path).expect("a key"));
    assert_eq!(Ok(key.public()), PublicKey::from_line(STEWARD_PUB).as_ref());
    // Ed25519 has no randomness: the same key over the same bytes gives the same signature.
    assert_eq!(key.sign(NAMESPACE, MESSAGE).expect("a signature"), SIGNED);
    assert!(!format!("{key:?}").contains("PRIVATE"));
}

#[test]
fn files_that_cannot_be_used_say_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        write(&path, text, mode);
        PersonFile::open(&path).expect_err("not a key").to_string()
    };
    assert!(told("open", STEWARD, 0o640).contains("set its mode to 0600"));
    assert!(told("locked", LOCKED, 0o600).contains("ssh-add"));
    assert!(told("empty", "", 0o600).contains("as OpenSSH writes it"));
    let cut = STEWARD.replacen("QyNTUxOQAAACAL", "QyNTUxOQAAACAM", 1);
    assert!(told("cut", &cut, 0o600).contains("as OpenSSH writes it"));
    let absent = PersonFile::open(&folder.path().join("absent")).expect_err("no file").to_string();
    assert!(absent.contains("there is no such file"), "{absent}");
}

/// An agent that gives these answers, one for each connection.
fn agent(folder: &Path, answers: Vec<Vec<u8>>) -> (Agent, std::thread::JoinHandle<Vec<Vec<u8>>>) {
    let socket = folder.join("agent");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let served = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut length = [0; 4];
            stream.read_exact(&mut length).expect("a length");
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).expect("a request");
            asked.push(request);
            stream.write_all(&answer).expect("an answer");
        }
        asked
    });
    (Agent::at(&socket), served)
}

fn said(message: &Writer) -> Vec<u8> {
    Writer::default().string(&message.0).0
}

#[test]
fn the_agent_is_asked_for_its_keys_and_signs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("id");
    write(&path, STEWARD, 0o600);
    let file = PersonFile::open(&path).expect("a key");
    let public = file.public().clone();
    let message = people::message(NAMESPACE, Hash::Sha512, MESSAGE);
    let rsa = Writer::default().string(b"ssh-rsa").string(&[1]).0;
    let keys = Writer(vec![12]).number(2).string(&rsa).string(b"old").string(&public.blob()).string(b"new");
    let signed = Writer(vec![14]).string(&file.sign(&message));
    let (agent, served) = agent(folder.path(), vec![said(&keys), said(&signed)]);
    assert_eq!(agent.keys().expect("keys"), std::slice::from_ref(&public));
    let key = PersonKey::Agent(agent, public.clone());
    assert_eq!(key.sign(NAMESPACE, MESSAGE).expect("a signature"), SIGNED);
    let asked = served.join().expect("the agent ended");
    let mut reader = Reader(&asked[1][1..]);
    assert_eq!(reader.string(), Some(&public.blob()[..]));
    assert_eq!(reader.string(), Some(&message[..]));
}

#[test]
fn an_agent_that_misbehaves_is_told_and_never_believed() {
    let public = PublicKey::from_line(STEWARD_PUB).expect("a key");
    let wrong = Writer(vec![14]).string(&people::plain_signature(&public, &[7; 64]));
    for (answer, expected) in [
        (said(&Writer(vec![5])), "did not sign"),
        (said(&wrong), "does not fit"),
        (vec![0xff; 8], "which no agent does"),
        (vec![0, 0, 0, 0], "which no agent does"),
        (vec![0, 0, 0, 9, 14], "broke off"),
        (said(&Writer(vec![14]).raw(&[0xff; 4])), "did not sign"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (agent, served) = agent(folder.path(), vec![answer]);
        let told =
            PersonKey::Agent(agent, public.clone()).sign(NAMESPACE, MESSAGE).expect_err("no signature");
        assert!(told.to_string().contains(expected), "{told}");
        served.join().expect("the agent ended");
    }
    let nobody = Agent::at(Path::new("/nowhere/agent"));
    assert!(matches!(nobody.keys(), Err(PersonSignError::NoAgent { .. })));
}
