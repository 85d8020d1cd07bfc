//! JSON forms: the same document as the usual libraries would write it, without changing a number or a member's order
//! where they would not.

use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The document in every form that is tried; none if it is no JSON.
pub(super) fn forms(body: &[u8]) -> Vec<Vec<u8>> {
    // `Value` refuses what is nested too deeply, so that what follows cannot exhaust the stack.
    if serde_json::from_slice::<Value>(body).is_err() {
        return Vec::new();
    }
    let Some(node) = std::str::from_utf8(body).ok().and_then(Node::read) else { return Vec::new() };
    let mut forms = Vec::new();
    for node in [node.clone(), node.sorted()] {
        for layout in Layout::ALL {
            for escapes in Escapes::ALL {
                let mut text = String::with_capacity(body.len() * 2);
                write_node(&mut text, &node, layout, escapes, 0);
                forms.push(text.into_bytes());
            }
        }
    }
    forms
}

#[derive(Clone)]
enum Node {
    Array(Vec<Node>),
    /// A number, `true`, `false` or `null`, as written.
    Literal(String),
    Object(Vec<(String, Node)>),
    Text(String),
}

/// The blanks that a library writes.
#[derive(Clone, Copy)]
enum Layout {
    /// None.
    Compact,
    /// A line for each member, indented by this.
    Indented(&'static str),
    /// One after each comma and colon, as Python does.
    Spaced,
}

impl Layout {
    const ALL: [Self; 5] =
        [Self::Compact, Self::Spaced, Self::Indented("  "), Self::Indented("    "), Self::Indented("\t")];
}

/// What a library escapes besides what it must.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Escapes {
    /// All but ASCII in lower-case digits, as Python.
    AsciiLower,
    /// All but ASCII in upper-case digits.
    AsciiUpper,
    /// `<`, `>` and `&`, as Go.
    Html,
    /// Nothing, as JavaScript.
    None,
    /// Slashes, and all but ASCII, as PHP.
    Slashes,
}

impl Escapes {
    const ALL: [Self; 5] = [Self::None, Self::AsciiLower, Self::AsciiUpper, Self::Slashes, Self::Html];
}

impl Node {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        Some(match text.as_bytes().first()? {
            b'{' => {
                let Members(members) = serde_json::from_str(text).ok()?;
                let read = |(name, value): (String, &RawValue)| Some((name, Self::read(value.get())?));
                Self::Object(members.into_iter().map(read).collect::<Option<_>>()?)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                Self::Array(items.into_iter().map(|item| Self::read(item.get())).collect::<Option<_>>()?)
            }
            b'"' => Self::Text(serde_json::from_str(text).ok()?),
            _ => Self::Literal(text.to_owned()),
        })
    }

    fn sorted(self) -> Self {
        match self {
            Self::Array(items) => Self::Array(items.into_iter().map(Self::sorted).collect()),
            Self::Object(members) => {
                let mut members: Vec<_> =
                    members.into_iter().map(|(name, value)| (name, value.sorted())).collect();
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
                Self::Object(members)
            }
            other => other,
        }
    }
}

/// An object's members in their order, which `Value` does not keep.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

fn write_node(text: &mut String, node: &Node, layout: Layout, escapes: Escapes, depth: usize) {
    match node {
        Node::Array(items) => list(text, ['[', ']'], items, layout, depth, |text, item| {
            write_node(text, item, layout, escapes, depth + 1);
        }),
        Node::Literal(literal) => text.push_str(literal),
        Node::Object(members) => list(text, ['{', '}'], members, layout, depth, |text, (name, value)| {
            write_text(text, name, escapes);
            text.push_str(if matches!(layout, Layout::Compact) { ":" } else { ": " });
            write_node(text, value, layout, escapes, depth + 1);
        }),
        Node::Text(own) => write_text(text, own, escapes),
    }
}

fn list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    layout: Layout,
    depth: usize,
    write_item: impl Fn(&mut String, &T),
) {
    let line = |text: &mut String, depth: usize| {
        if let Layout::Indented(indent) = layout {
            text.push('\n');
            text.push_str(&indent.repeat(depth));
        }
    };
    text.push(open);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push_str(if matches!(layout, Layout::Spaced) { ", " } else { "," });
        }
        line(text, depth + 1);
        write_item(text, item);
    }
    if !items.is_empty() {
        line(text, depth);
    }
    text.push(close);
}

fn write_text(text: &mut String, own: &str, escapes: Escapes) {
    text.push('"');
    for letter in own.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '/' if escapes == Escapes::Slashes => text.push_str("\\/"),
            '<' | '>' | '&' if escapes == Escapes::Html => unit(text, letter as u16, false),
            letter if letter < ' ' => unit(text, letter as u16, false),
            letter if letter.is_ascii() || matches!(escapes, Escapes::None | Escapes::Html) => {
                text.push(letter);
            }
            letter => {
                for own in letter.encode_utf16(&mut [0; 2]) {
                    unit(text, *own, escapes == Escapes::AsciiUpper);
                }
            }
        }
    }
    text.push('"');
}

fn unit(text: &mut String, unit: u16, upper: bool) {
    // A String takes every write.
    let _ = if upper { write!(text, "\\u{unit:04X}") } else { write!(text, "\\u{unit:04x}") };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(body: &str, form: &str) -> bool {
        forms(body.as_bytes()).contains(&form.as_bytes().to_vec())
    }

    #[test]
    fn writes_what_the_usual_libraries_write() {
        let body = r#"{ "b":1.50, "a":{"é":["x/y<&>",[],{}]} }"#;
        for form in [
            r#"{"b":1.50,"a":{"é":["x/y<&>",[],{}]}}"#,
            r#"{"b": 1.50, "a": {"\u00e9": ["x/y<&>", [], {}]}}"#,
            r#"{"a": {"\u00e9": ["x/y<&>", [], {}]}, "b": 1.50}"#,
            r#"{"b":1.50,"a":{"\u00e9":["x\/y<&>",[],{}]}}"#,
            r#"{"b":1.50,"a":{"é":["x/y\u003c\u0026\u003e",[],{}]}}"#,
            r#"{"b":1.50,"a":{"\u00E9":["x/y<&>",[],{}]}}"#,
            "{\n  \"b\": 1.50,\n  \"a\": {\n    \"é\": [\n      \"x/y<&>\",\n      [],\n      {}\n    ]\n  }\n}",
        ] {
            assert!(has(body, form), "{form}");
        }
    }

    #[test]
    fn keeps_what_a_parser_would_change() {
        let body = r#"{"z":1E+2,"z":12345678901234567890123,"a":"😀\u0001"}"#;
        assert!(has(body, body));
        assert!(has(body, r#"{"z":1E+2,"z":12345678901234567890123,"a":"\ud83d\ude00\u0001"}"#));
    }

    #[test]
    fn what_is_no_json_or_nested_too_deeply_has_no_forms() {
        for body in
            ["", "{", "{\"a\":1}x", &"[".repeat(100_000), &format!("{}{}", "[".repeat(900), "]".repeat(900))]
        {
            assert!(forms(body.as_bytes()).is_empty(), "{}", body.len());
        }
        assert!(forms(b"\xff").is_empty());
    }
}
