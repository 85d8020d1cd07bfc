//! Text: bodies as people read them, and a request as a command.

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
}
