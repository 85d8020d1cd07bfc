//! Bidi: names and texts that are written from right to left, and what they must not do to the sentence around them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Begins a text whose direction is its own affair (FIRST STRONG ISOLATE), and ends it.
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');

/// Whether a character turns the direction of a text around, and with it what stands next to it.
pub(crate) fn is_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text as a part of a sentence: between marks that keep its direction to itself, where it has letters that are written from
/// right to left. In HTML the element `bdi` does the same.
pub(crate) fn isolated(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_right_to_left) {
        return text.into();
    }
    format!("{}{text}{}", ISOLATE.0, ISOLATE.1).into()
}

/// The text with escapes in place of the characters that would turn its direction around.
pub(crate) fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_control(c) {
            let _ = write!(shown, "\\u{:04x}", u32::from(c)); // a String takes every write
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Whether it is in a block of Unicode whose letters are written from right to left.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_from_right_to_left_is_isolated() {
        for text in ["Acme", "Société Générale", "日本", ""] {
            assert_eq!(isolated(text), text);
        }
        assert_eq!(isolated("חברה 42"), "\u{2068}חברה 42\u{2069}");
        assert_eq!(isolated("Globex شركة"), "\u{2068}Globex شركة\u{2069}");
    }

    #[test]
    fn what_turns_the_direction_of_a_text_is_shown_as_an_escape() {
        assert_eq!(visible("a\u{202e}b é \u{5d0}"), "a\\u202eb é \u{5d0}");
    }
}
