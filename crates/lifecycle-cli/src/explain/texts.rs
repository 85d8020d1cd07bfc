//! Texts: a body that was turned into another text on its way, and the text that it was.

use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;

/// Escaped for HTML, as the usual libraries do it, and unescaped.
pub(super) fn html(body: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(body) else { return Vec::new() };
    let escaped = |quote: &str, apostrophe: &str| -> Vec<u8> {
        let ampersands = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        ampersands.replace('"', quote).replace('\'', apostrophe).into_bytes()
    };
    let mut bodies = vec![
        escaped("&quot;", "&#39;"),
        escaped("&quot;", "&#x27;"),
        escaped("&quot;", "&#039;"),
        escaped("&quot;", "'"),
        escaped("&#34;", "&#39;"),
    ];
    bodies.push(html_escape::decode_html_entities(text).into_owned().into_bytes());
    bodies
}

/// Out of `b'..'`, which Python writes where the text of bytes is asked for.
pub(super) fn python_bytes(body: &[u8]) -> Vec<Vec<u8>> {
    let body = body.trim_ascii();
    let inner = [b'\'', b'"'].into_iter().find_map(|quote| {
        let inner = body.strip_prefix(b"b")?.strip_prefix(&[quote])?;
        inner.strip_suffix(&[quote])
    });
    inner.and_then(unescaped).into_iter().collect()
}

/// As Python writes these bytes where their text is asked for.
pub(super) fn as_python_bytes(body: &[u8]) -> Vec<u8> {
    let quote = if body.contains(&b'\'') && !body.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for byte in body {
        match char::from(*byte) {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            letter if letter == quote => text.extend(['\\', letter]),
            letter @ ' '..='~' => text.push(letter),
            _ => {
                let _ = write!(text, "\\x{byte:02x}"); // a String takes every write
            }
        }
    }
    text.push(quote);
    text.into_bytes()
}

/// Composed and decomposed.
pub(super) fn unicode_form(body: &[u8]) -> Vec<Vec<u8>> {
    match std::str::from_utf8(body) {
        Ok(text) if !text.is_ascii() => {
            vec![text.nfc().collect::<String>().into_bytes(), text.nfd().collect::<String>().into_bytes()]
        }
        _ => Vec::new(),
    }
}

/// With `+` for blanks, and blanks for `+`.
pub(super) fn blanks_as_plus(body: &[u8]) -> Vec<Vec<u8>> {
    let replaced = |from: u8, to: u8| -> Vec<u8> {
        body.iter().map(|byte| if *byte == from { to } else { *byte }).collect()
    };
    vec![replaced(b' ', b'+'), replaced(b'+', b' ')]
}

/// The bytes that Python's escapes stand for.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (escape, after) = rest.split_first()?;
        rest = after;
        bytes.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                *const_hex::decode(digits).ok()?.first()?
            }
            b'\\' | b'\'' | b'"' => *escape,
            _ => return None,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_text_of_bytes_is_read_and_written_as_python_does() {
        for (body, text) in [
            ("{\"a\":\"é\\n\"}", r#"b'{"a":"\xc3\xa9\\n"}'"#),
            ("it's\n\u{7f}", r#"b"it's\n\x7f""#),
            ("'\"", r#"b'\'"'"#),
        ] {
            assert_eq!(String::from_utf8(as_python_bytes(body.as_bytes())).unwrap(), text);
            assert_eq!(python_bytes(text.as_bytes()), [body.as_bytes()], "{text}");
        }
        for none in ["", "b'", "{}", r"b'\q'", r"b'\x1'"] {
            assert!(python_bytes(none.as_bytes()).is_empty(), "{none}");
        }
    }

    #[test]
    fn html_is_unescaped_once() {
        assert!(html(b"{&quot;a&quot;:&quot;&amp;lt;&#39;&quot;}").contains(&b"{\"a\":\"&lt;'\"}".to_vec()));
    }
}
