//! `HandlerError`: a handler's failure, and what of it may be logged.

use std::error::Error;
use std::fmt;

use crate::rejection::Undecodable;

/// The most bytes of a text of the app's that are logged and stored.
const MAX_TEXT: usize = 2_000;

/// A handler's failure: any error, by `?` or `.into()`. It is answered 500, without its text.
///
/// The text is logged, and an inbox stores it as the last error of its delivery: keep secrets and personal data out of it.
/// Both show what `Display` and `Debug` do, which leave out where databases and parsers are known to repeat values: of the
/// error and of each of its causes the first line, of an error of `serde_json` the place only, and 2000 bytes in all. What
/// your own errors say in their first lines is up to you. Take care with errors that quote their input, and with tokio's
/// `JoinError`, which repeats the message of a panic.
///
/// ```
/// use lifecycle_core::HandlerError;
///
/// let body = r#"{"userEmail": "jordan.lee@example.com"}"#;
/// let error = serde_json::from_str::<Vec<u8>>(body).unwrap_err();
/// assert_eq!(HandlerError::from(error).to_string(), "not the expected JSON at line 1, column 0");
/// ```
///
/// It deliberately does not implement [`Error`], so that every error converts into it.
pub struct HandlerError {
    error: Box<dyn Error + Send + Sync>,
    unavailable: bool,
}

impl HandlerError {
    /// The handler cannot take the delivery now: answered 503 instead of 500. It has kept nothing of it, as far as it knows; a
    /// store whose answer came too late may have.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { error: error.into(), unavailable: true }
    }

    /// The error within, unabridged.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// Whether it was made by [`unavailable`](Self::unavailable).
    pub fn is_unavailable(&self) -> bool {
        self.unavailable
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self { error: error.into(), unavailable: false }
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerError({:?})", self.to_string())
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error: &(dyn Error + 'static) = &*self.error;
        let mut text = first_line(error);
        let mut cause = error.source();
        while let Some(error) = cause.filter(|_| text.len() <= MAX_TEXT) {
            text.push_str(": ");
            text.push_str(&first_line(error));
            cause = error.source();
        }
        f.write_str(&cut(text))
    }
}

/// What an error says, without what it may repeat: databases put the values of a row into the lines after the first, and
/// a parser of JSON quotes what it did not expect.
fn first_line(error: &(dyn Error + 'static)) -> String {
    if let Some(json) = error.downcast_ref::<serde_json::Error>() {
        return Undecodable::at(json).to_string();
    }
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// A text of the app's that is logged and stored, cut to the limit.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decision;

    /// What a database says of a value that it has already.
    #[derive(Debug)]
    struct Taken;

    impl fmt::Display for Taken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("duplicate key\nDETAIL: Key (email)=(jordan.lee@example.com) already exists.")
        }
    }

    impl Error for Taken {}

    #[test]
    fn what_databases_and_parsers_repeat_of_a_value_is_not_shown() {
        let json = || serde_json::from_str::<u8>("\"jordan.lee@example.com\"").unwrap_err();
        let cases = [
            (HandlerError::from(Taken), "duplicate key"),
            (HandlerError::from(std::io::Error::other(Taken)), "duplicate key"),
            (HandlerError::unavailable(json()), "not the expected JSON at line 1, column 24"),
            (HandlerError::from("no seats left"), "no seats left"),
        ];
        for (error, text) in cases {
            assert_eq!(
                (error.to_string(), format!("{error:?}")),
                (text.to_owned(), format!("HandlerError({text:?})"))
            );
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "ä".repeat(MAX_TEXT);
        let expected = format!("{}…", "ä".repeat(MAX_TEXT / 2));
        assert_eq!(HandlerError::from(long.as_str()).to_string(), expected);
        let Decision::Refuse(reason) = Decision::refuse(long) else { panic!("a refusal") };
        assert_eq!(reason.as_str(), expected);
    }
}
