//! Charset: what a header's bytes are as text.

use std::borrow::Cow;

/// A header's value as text: borrowed where it is UTF-8, else read as ISO-8859-1, which has a character for each byte. HTTP
/// defines neither (RFC 9110, section 5.5), and clients write both.
///
/// The text of ISO-8859-1 is made in one allocation, so that wiping it leaves no part of a secret behind.
///
/// ```
/// assert_eq!(lifecycle_core::header_text("p\u{e4}ss".as_bytes()), "p\u{e4}ss");
/// assert_eq!(lifecycle_core::header_text(b"p\xe4ss"), "p\u{e4}ss");
/// ```
pub fn header_text(value: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(value) {
        return Cow::Borrowed(text);
    }
    // In one allocation: a copy that grew would leave parts of a secret behind.
    let mut text = String::with_capacity(2 * value.len());
    text.extend(value.iter().copied().map(char::from));
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_bytes_takes_one_allocation() {
        let bytes: Vec<u8> = (0..=255).collect();
        let Cow::Owned(text) = header_text(&bytes) else { panic!("it is not UTF-8") };
        assert_eq!(text.chars().map(u32::from).collect::<Vec<_>>(), (0..=255).collect::<Vec<_>>());
        assert_eq!(text.capacity(), 2 * bytes.len());
    }
}
