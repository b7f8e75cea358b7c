//! What people decided about a site, as they signed it, as part of its bundle.

use crate::evidence::bundle::Parts;
use crate::evidence::decisions;
use crate::journal::Line;
use crate::ops::error::Failure;

use super::Reading;

/// What people decided, as they signed it, and the keys with which they did; by what the org log knows of them.
pub(super) fn attach_decisions(
    journal: &mut Reading<'_>,
    lines: &[Line],
    parts: &mut Parts,
) -> Result<(), Failure> {
    // What is redacted leaves the house as its hash alone, and so does what was signed there.
    let shown = lines.iter().zip(&parts.site_log).filter(|(line, text)| line.text == **text);
    let shown = decisions::among(shown.map(|(line, _)| &line.entry));
    parts.attachments.extend(decisions::files(&shown, &journal.org.signers));
    Ok(())
}
