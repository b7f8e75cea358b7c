//! The time stamps: tokens of somebody else's clock over the checkpoints of the site's log and of the org log.

use super::super::bundle::{Files, layout};
use super::super::timestamp::{Roots, Token};
use super::{Failure, Found, file};

/// Each token that is there is over its checkpoint and leads to a root: the reader's own, or else one that the bundle
/// brings along. A reader with roots of their own wants to see one over the site's checkpoint.
pub(super) fn stamps(files: &Files, own: Option<&Roots>) -> Found<()> {
    let all = [
        ("the log", layout::STAMP, layout::CHECKPOINT),
        ("the org log", layout::ORG_STAMP, layout::ORG_CHECKPOINT),
    ];
    if own.is_some() && !files.contains_key(layout::STAMP) {
        return Err(Failure::missing(format!("no time stamp: {} is not there", layout::STAMP)));
    }
    let mut told = Vec::new();
    for (log, path, over) in all {
        let Some(reply) = files.get(path) else { continue };
        let failed = |what: &dyn std::fmt::Display| Failure::broken(format!("{path}: {what}"));
        let token = Token::parse(reply).map_err(|error| failed(&error))?;
        token.is_over(file(files, over)?).map_err(|error| failed(&error))?;
        let stamp = match own {
            Some(roots) => token.verify(roots),
            None => token.verify(&brought(files)?),
        };
        let stamp = stamp.map_err(|error| failed(&error))?;
        let until = stamp.until;
        told.push(format!("{log} at {} by {}, whose certificate ends {until}", stamp.at, stamp.by));
    }
    if told.is_empty() {
        return Ok(((), "no time stamp: only the signer's own clock says when".to_owned()));
    }
    let whose = match own {
        Some(_) => "checked against your own root",
        None => "not checked against your own root: give --tsa-ca with the authority that you trust",
    };
    Ok(((), format!("{}; {whose}", told.join("; "))))
}

fn brought(files: &Files) -> Result<Roots, Failure> {
    Roots::from_pem(file(files, layout::STAMP_CHAIN)?)
        .map_err(|error| Failure::broken(format!("{}: {error}", layout::STAMP_CHAIN)))
}
