//! Keys for the people of the example estate, and the estate with them enrolled and its sandbox asking for approvals.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use landfall::evidence::sshsig::key::PublicKey;
use landfall::evidence::sshsig::wire::Writer;

use crate::world::{Estate, Ran};

/// Who signs in these tests.
pub const PEOPLE: [&str; 8] = [
    "pm",
    "data-team-lead",
    "it-network-lead",
    "change-control-chair",
    "platform-lead",
    "compliance-lead",
    "sponsor",
    "steward-hrb01",
];

fn secret(person: &str) -> SigningKey {
    let place = PEOPLE.iter().position(|name| *name == person).unwrap();
    SigningKey::from_bytes(&[u8::try_from(place + 1).unwrap(); 32])
}

pub fn public(person: &str) -> PublicKey {
    PublicKey::ed25519(*secret(person).verifying_key().as_bytes()).unwrap()
}

/// A private key file as OpenSSH writes it.
fn private(person: &str) -> String {
    let (secret, public) = (secret(person), public(person));
    let inner = Writer::default()
        .number(7)
        .number(7)
        .string(b"ssh-ed25519")
        .string(secret.verifying_key().as_bytes());
    let mut inner = inner.string(&secret.to_keypair_bytes()).string(person.as_bytes()).0;
    for count in 1_u8.. {
        if inner.len() % 8 == 0 {
            break;
        }
        inner.push(count);
    }
    let outer =
        Writer::default().raw(b"openssh-key-v1\0").string(b"none").string(b"none").string(b"").number(1);
    let blob = outer.string(&public.blob()).string(&inner).0;
    format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        BASE64.encode(blob)
    )
}

/// The example estate whose sandbox asks for approvals, with everybody's key enrolled.
pub fn estate() -> Estate {
    let estate = Estate::example();
    let text = estate.text("sites/estate.toml");
    let text = text.replace("\nstage = \"scale\"\n", "\n").replace(
        "[targets.sandbox]\ndriver = \"sandbox\"",
        "[targets.sandbox]\ndriver = \"sandbox\"\ngates = \"enforce\"",
    );
    estate.write("sites/estate.toml", &text);
    for person in PEOPLE {
        let key = format!(
            "\n{person} = {{ keys = [{{ ssh = \"{}\", from = 2026-01-01 }}] }}\n",
            public(person).line()
        );
        estate.edit("sites/people.toml", &format!("\n{person} = {{}}\n"), &key);
        let path = estate.path(person);
        fs::write(&path, private(person)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    estate.run(&["roles", "enrol", "--yes"]).ends(0);
    estate
}

/// Runs a command as somebody, with their key.
pub fn act(estate: &Estate, person: &str, args: &[&str]) -> Ran {
    let key = estate.path(person);
    estate.run(&[args, &["--as", person, "--key", key.to_str().unwrap()]].concat())
}
