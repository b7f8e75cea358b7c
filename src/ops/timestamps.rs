//! Time stamps over checkpoints: asked of the estate's services in their order, checked before they are believed, kept.
//!
//! Only a hash leaves. A checkpoint that was stamped keeps its first token, so that an export that is made twice shows
//! the same moment.

use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::limits::{NOTE_FILE_BYTES_MAX, TIMESTAMP_REPLY_BYTES_MAX};
use crate::evidence::timestamp::{Request, Roots, Stamp, Token};
use crate::model::anchor::TimestampService;
use crate::ops::Context;
use crate::ops::earlier::{limited, write};
use crate::timestamp::{TimestampAuthority, WebAuthority};

/// A token that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The service's reply, as it came.
    pub reply: Vec<u8>,
    /// What it states.
    pub stamp: Stamp,
    /// The certificates behind it, as PEM.
    pub chain: String,
}

/// A token over a signed checkpoint: the one that is kept, or else one from the first service that gives a good one.
///
/// # Errors
///
/// Why there is none, service by service, in words.
pub fn over(context: &Context, services: &[TimestampService], note: &[u8]) -> Result<Stamped, String> {
    let kept = kept(context, note);
    let mut troubles = Vec::new();
    for service in services {
        let told = |what: &dyn std::fmt::Display| format!("{}: {what}", service.url);
        let roots = match roots(&context.root, service) {
            Ok(roots) => roots,
            Err(why) => {
                troubles.push(told(&why));
                continue;
            }
        };
        if let Ok(reply) = limited(&kept, TIMESTAMP_REPLY_BYTES_MAX as u64)
            && let Ok(stamped) = checked(reply, note, &roots)
        {
            return Ok(stamped);
        }
        let asked = fresh(context, &WebAuthority { url: &service.url }, note, &roots);
        match asked.and_then(|stamped| {
            write(&kept, &stamped.reply).map_err(|error| error.to_string())?;
            Ok(stamped)
        }) {
            Ok(stamped) => return Ok(stamped),
            Err(why) => troubles.push(told(&why)),
        }
    }
    Err(troubles.join("; "))
}

/// A new token, if it answers exactly what was asked.
fn fresh(
    context: &Context,
    service: &dyn TimestampAuthority,
    note: &[u8],
    roots: &Roots,
) -> Result<Stamped, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let purpose = format!("time stamp\n{}", Digest::of(note));
    let random = context.entropy.bytes(&purpose).map_err(|e| text(&e))?;
    let random: [u8; 8] = std::array::from_fn(|at| random[at]);
    let request = Request::new(note, random);
    let reply = service.ask(request.to_der()).map_err(|e| text(&e))?;
    let token = Token::parse(&reply).map_err(|e| text(&e))?;
    token.answers(&request).map_err(|e| text(&e))?;
    checked(reply, note, roots)
}

fn checked(reply: Vec<u8>, note: &[u8], roots: &Roots) -> Result<Stamped, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let token = Token::parse(&reply).map_err(|e| text(&e))?;
    token.is_over(note).map_err(|e| text(&e))?;
    let stamp = token.verify(roots).map_err(|e| text(&e))?;
    Ok(Stamped { chain: roots.with(token.certificates()), reply, stamp })
}

fn roots(root: &Path, service: &TimestampService) -> Result<Roots, String> {
    let path = root.join(&service.authorities);
    let bytes = limited(&path, NOTE_FILE_BYTES_MAX).map_err(|error| error.to_string())?;
    Roots::from_pem(&bytes).map_err(|error| format!("{}: {error}", service.authorities))
}

fn kept(context: &Context, note: &[u8]) -> PathBuf {
    context.state.join("timestamps").join(format!("{}.tsr", Digest::of(note)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::model::anchor::ServiceAddress;
    use crate::runner::clock::Clock;

    #[test]
    fn a_service_that_is_down_or_without_authorities_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_owned();
        let context =
            Context { state: root.join("state"), root, clock: Clock::Real, entropy: Entropy::System };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        drop(listener);
        let service = TimestampService {
            url: ServiceAddress::new(&url).expect("an address"),
            authorities: "ca.pem".into(),
        };
        let error = over(&context, std::slice::from_ref(&service), b"x").expect_err("no authorities");
        assert!(error.contains("ca.pem"), "{error}");
        std::fs::write(context.root.join("ca.pem"), "nothing").expect("written");
        let error = over(&context, &[service], b"x").expect_err("no authorities");
        assert!(error.contains("holds no certificates"), "{error}");
    }
}
