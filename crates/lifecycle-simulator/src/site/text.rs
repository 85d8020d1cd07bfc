//! Text: bodies as people read them, and a request as a command.

use std::fmt::Write as _;

use lifecycle_testing::curl_command;
use serde::de::IgnoredAny;

use crate::delivery::Request;

/// JSON on several lines, its members in their order; `None` for other texts.
pub(super) fn pretty(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let (mut pretty, mut depth, mut in_text, mut escaped) = (String::new(), 0usize, false, false);
    let mut letters = text.chars().peekable();
    let line = |pretty: &mut String, depth: usize| {
        pretty.push('\n');
        pretty.push_str(&"  ".repeat(depth));
    };
    while let Some(c) = letters.next() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            pretty.push(c);
            continue;
        }
        match c {
            '"' => {
                in_text = true;
                pretty.push(c);
            }
            '{' | '[' => {
                pretty.push(c);
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                if !letters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    depth += 1;
                    line(&mut pretty, depth);
                } else if let Some(close) = letters.next() {
                    pretty.push(close);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut pretty, depth);
                pretty.push(c);
            }
            ',' => {
                pretty.push(c);
                line(&mut pretty, depth);
            }
            ':' => pretty.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => pretty.push(c),
        }
    }
    Some(pretty)
}

/// The text with escapes in place of the characters that would turn its direction around.
pub(super) fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match c {
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(shown, "\\u{:04x}", u32::from(c)); // a String takes every write
            }
            c => shown.push(c),
        }
        shown
    })
}

/// The request as a command for a shell, signature and all.
pub(super) fn curl(request: &Request) -> String {
    let headers = request.headers.iter().map(|header| (header.name.as_str(), header.value.as_bytes()));
    curl_command(&request.method, &request.url, headers, request.body.as_bytes())
        .expect("its headers are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_keeps_the_order_of_its_members() {
        let text = r#"{"z":1,"a":[true,{"t":"a,{\"}: "}],"e":{},"n":[ ]}"#;
        let expected = "{\n  \"z\": 1,\n  \"a\": [\n    true,\n    {\n      \"t\": \"a,{\\\"}: \"\n    }\n  ],\n  \"e\": {},\n  \"n\": []\n}";
        assert_eq!(pretty(text).as_deref(), Some(expected));
        assert_eq!(pretty("<p>no JSON</p>"), None);
    }

    #[test]
    fn what_turns_the_direction_of_a_text_is_shown_as_an_escape() {
        assert_eq!(visible("a\u{202e}b é \u{5d0}"), "a\\u202eb é \u{5d0}");
    }
}
