//! Text, moments and paths as they may stand in HTML.

use crate::base::time::Timestamp;

/// Text without any markup in it.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(letter),
        }
    }
    html
}

/// A moment as people read it: `2027-01-11 09:06:13 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// A link to a file of the bundle.
pub(super) fn link(path: &str, text: &str) -> String {
    let mut address = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-/".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    // A leading `./` keeps a path with a colon from being read as a scheme.
    format!("<a href=\"./{address}\">{}</a>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_through() {
        assert_eq!(
            escaped("<script>alert('a' & \"b\")"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)"
        );
        assert_eq!(link("javascript:x\"", "<b>"), "<a href=\"./javascript%3Ax%22\">&lt;b&gt;</a>");
    }
}
