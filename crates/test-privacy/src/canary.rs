//! Canary: the text that nothing may show.

/// Stands for all that is secret or personal. It can be a word, a token, a part of a URL or of an
/// address, and its 32 bytes can be a key.
pub const CANARY: &str = "CanaryInTheMineWhoseAirIsBad4242";

/// Whether a text shows the canary: as it is, in hexadecimal digits, or as the numbers of its bytes.
pub fn shows(text: &str) -> bool {
    let text: String = text.chars().filter(|it| !it.is_whitespace()).collect();
    let digits = format!("{:02x?}", CANARY.as_bytes()).replace(['[', ']', ',', ' '], "");
    let numbers = format!("{:?}", CANARY.as_bytes()).replace(['[', ']', ' '], "");
    text.contains(CANARY) || text.to_lowercase().contains(&digits) || text.contains(&numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_in_every_form() {
        for text in [
            CANARY.to_owned(),
            format!("{:?}", CANARY.as_bytes()),
            format!("{:#?}", vec![CANARY.as_bytes()]),
            format!("{:02X?}", CANARY.as_bytes()).replace([',', ' '], ""),
        ] {
            assert!(shows(&text), "{text}");
        }
        assert!(!shows("CanaryInTheMineWhoseAirIsBad4241"));
    }
}
