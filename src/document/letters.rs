//! Letters that cannot be seen, or that change how others are seen, shown as what they are.

/// A text in which no letter hides: what steers the direction or the joining of others, and what has no shape, stands as
/// its number. Lines and tabs become spaces.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\t' => shown.push(' '),
            _ if is_hidden(letter) => shown.push_str(&numbered(letter)),
            _ => shown.push(letter),
        }
    }
    shown
}

/// How a letter is called that cannot be shown.
pub(super) fn numbered(letter: char) -> String {
    format!("[U+{:04X}]", u32::from(letter))
}

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(u32::from(letter),
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xFFF0..=0xFFFB | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_shown_by_its_number_and_nothing_is_dropped() {
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{0}d\u{ad}e"), "a[U+202E]b[U+200B]c[U+0000]d[U+00AD]e");
        assert_eq!(visible("one\ntwo\tthree"), "one two three");
        assert_eq!(visible("Zoë → 東京 \u{5d0}"), "Zoë → 東京 \u{5d0}");
    }
}
