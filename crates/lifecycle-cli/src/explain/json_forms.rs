//! JSON forms: the same document as the usual libraries would write it, without changing a number or a member's order
//! where they would not.

use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The document in every form that is tried; none if it is no JSON.
pub(super) fn forms(body: &[u8]) -> Vec<Vec<u8>> {
    let Some(node) = read(body) else { return Vec::new() };
    let mut forms = Forms::default();
    forms.write_all(&node);
    forms.write_all(&node.clone().sorted());
    // Of members with one name, most parsers keep the last.
    let unique = node.clone().unique();
    if unique != node {
        forms.write_all(&unique);
    }
    // JavaScript alone reads each number as a float.
    let node = unique.by_javascript();
    for layout in Layout::ALL {
        forms.write(&node, layout, Escapes::None);
    }
    forms.0
}

/// The document with its members in the order of each sample; a member that a sample has not comes last.
pub(super) fn as_in_samples(body: &[u8], samples: &[String]) -> Vec<Vec<u8>> {
    let Some(node) = read(body) else { return Vec::new() };
    let samples = samples.iter().filter_map(|sample| read(sample.as_bytes()));
    let mut ordered: Vec<Node> = Vec::new();
    for sample in samples {
        let like = node.clone().ordered_like(&sample);
        if like != node && !ordered.contains(&like) {
            ordered.push(like);
        }
    }
    let mut forms = Forms::default();
    for node in &ordered {
        forms.write_all(node);
    }
    forms.0
}

fn read(body: &[u8]) -> Option<Node> {
    // `Value` refuses what is nested too deeply, so that what follows cannot exhaust the stack.
    serde_json::from_slice::<Value>(body).ok()?;
    Node::read(std::str::from_utf8(body).ok()?)
}

/// What was written.
#[derive(Default)]
struct Forms(Vec<Vec<u8>>);

impl Forms {
    fn write_all(&mut self, node: &Node) {
        for layout in Layout::ALL {
            for escapes in Escapes::ALL {
                self.write(node, layout, escapes);
            }
        }
    }

    fn write(&mut self, node: &Node, layout: Layout, escapes: Escapes) {
        let mut text = String::new();
        write_node(&mut text, node, layout, escapes, 0);
        self.0.push(text.into_bytes());
    }
}

#[derive(Clone, Eq, PartialEq)]
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
    /// All but ASCII and whatever means something in HTML, quotes too, in upper-case digits, as .NET's System.Text.Json.
    DotNet,
    /// `<`, `>`, `&`, `=` and `'`, as Gson.
    Gson,
    /// `<`, `>` and `&`, as Go.
    Html,
    /// Nothing, as JavaScript.
    None,
    /// Slashes, and all but ASCII, as PHP.
    Slashes,
    /// Slashes alone, as PHP with `JSON_UNESCAPED_UNICODE`.
    SlashesOnly,
}

impl Escapes {
    const ALL: [Self; 8] = [
        Self::None,
        Self::AsciiLower,
        Self::AsciiUpper,
        Self::Slashes,
        Self::SlashesOnly,
        Self::Html,
        Self::Gson,
        Self::DotNet,
    ];

    /// Whether an ASCII letter that JSON would take as it is becomes its code.
    const fn hides(self, letter: char) -> bool {
        match self {
            Self::DotNet => matches!(letter, '<' | '>' | '&' | '\'' | '+' | '`' | '"' | '\u{7f}'),
            Self::Gson => matches!(letter, '<' | '>' | '&' | '=' | '\''),
            Self::Html => matches!(letter, '<' | '>' | '&'),
            Self::AsciiLower | Self::AsciiUpper | Self::None | Self::Slashes | Self::SlashesOnly => false,
        }
    }

    const fn escapes_slashes(self) -> bool {
        matches!(self, Self::Slashes | Self::SlashesOnly)
    }

    const fn keeps_unicode(self) -> bool {
        matches!(self, Self::Gson | Self::Html | Self::None | Self::SlashesOnly)
    }

    const fn is_upper(self) -> bool {
        matches!(self, Self::AsciiUpper | Self::DotNet)
    }
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

    /// The same for each node below this one.
    fn map(self, change: impl Fn(Self) -> Self) -> Self {
        match self {
            Self::Array(items) => Self::Array(items.into_iter().map(change).collect()),
            Self::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (name, change(value))).collect())
            }
            other => other,
        }
    }

    /// With numbers as floats, and members whose names are whole numbers first.
    fn by_javascript(self) -> Self {
        match self.map(Self::by_javascript) {
            Self::Literal(literal) => Self::Literal(as_float(&literal)),
            Self::Object(mut members) => {
                let number =
                    |name: &str| name.parse::<u32>().ok().filter(|number| number.to_string() == name);
                members.sort_by_key(|(name, _)| number(name).map_or((1, 0), |number| (0, number)));
                Self::Object(members)
            }
            other => other,
        }
    }

    /// With the last value of several members of one name, at the place of the first.
    fn unique(self) -> Self {
        match self.map(Self::unique) {
            Self::Object(members) => {
                let mut kept: Vec<(String, Self)> = Vec::with_capacity(members.len());
                for (name, value) in members {
                    match kept.iter_mut().find(|(own, _)| *own == name) {
                        Some((_, own)) => *own = value,
                        None => kept.push((name, value)),
                    }
                }
                Self::Object(kept)
            }
            other => other,
        }
    }

    /// With members in the order of another document's.
    fn ordered_like(self, sample: &Self) -> Self {
        match (self, sample) {
            (Self::Object(members), Self::Object(own)) => {
                let place = |name: &str| own.iter().position(|(own, _)| own == name);
                let mut members: Vec<_> = members
                    .into_iter()
                    .map(|(name, value)| match place(&name) {
                        Some(place) => (name, value.ordered_like(&own[place].1)),
                        None => (name, value),
                    })
                    .collect();
                members.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
                Self::Object(members)
            }
            (Self::Array(items), Self::Array(own)) => match own.first() {
                Some(first) => Self::Array(items.into_iter().map(|item| item.ordered_like(first)).collect()),
                None => Self::Array(items),
            },
            (other, _) => other,
        }
    }

    fn sorted(self) -> Self {
        match self.map(Self::sorted) {
            Self::Object(mut members) => {
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
                Self::Object(members)
            }
            other => other,
        }
    }
}

/// A number as JavaScript writes it, which reads it as a float. What is no number stays as it is.
fn as_float(literal: &str) -> String {
    let Some(number) = literal.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return literal.to_owned();
    };
    let size = number.abs();
    if size == 0.0 {
        "0".to_owned() // without a sign
    } else if (1e-6..1e21).contains(&size) {
        number.to_string()
    } else {
        let text = format!("{number:e}");
        if size < 1.0 { text } else { text.replace('e', "e+") }
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
            letter if escapes.hides(letter) => unit(text, letter as u16, escapes.is_upper()),
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '/' if escapes.escapes_slashes() => text.push_str("\\/"),
            letter if letter < ' ' => unit(text, letter as u16, escapes.is_upper()),
            letter if letter.is_ascii() || escapes.keeps_unicode() => text.push(letter),
            letter => {
                for own in letter.encode_utf16(&mut [0; 2]) {
                    unit(text, *own, escapes.is_upper());
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
    fn writes_what_the_libraries_of_other_languages_write_by_default() {
        let body = r#"{"a":"é+<>&'=`/ \"q\"","n":[1.0,1e3,-0,0.1,1E21,1e-7,12345678901234567890,true]}"#;
        let numbers = "[1.0,1e3,-0,0.1,1E21,1e-7,12345678901234567890,true]";
        for (library, form) in [
            (
                ".NET",
                r#"{"a":"\u00E9\u002B\u003C\u003E\u0026\u0027=\u0060/ \u0022q\u0022","n":NUMBERS}"#
                    .replace("NUMBERS", numbers),
            ),
            (
                "Gson",
                r#"{"a":"é+\u003c\u003e\u0026\u0027\u003d`/ \"q\"","n":NUMBERS}"#.replace("NUMBERS", numbers),
            ),
            (
                "PHP with JSON_UNESCAPED_UNICODE",
                r#"{"a":"é+<>&'=`\/ \"q\"","n":NUMBERS}"#.replace("NUMBERS", numbers),
            ),
            (
                "JavaScript",
                r#"{"a":"é+<>&'=`/ \"q\"","n":[1,1000,0,0.1,1e+21,1e-7,12345678901234567000,true]}"#.into(),
            ),
        ] {
            assert!(has(body, &form), "{library}: {form}");
        }
    }

    #[test]
    fn keeps_what_a_parser_would_change() {
        let body = r#"{"z":1E+2,"z":12345678901234567890123,"a":"😀\u0001"}"#;
        assert!(has(body, body));
        assert!(has(body, r#"{"z":1E+2,"z":12345678901234567890123,"a":"\ud83d\ude00\u0001"}"#));
    }

    #[test]
    fn members_stand_in_the_order_of_a_sample_and_unknown_ones_behind_them() {
        let sample = r#"{"type":"install","app":{"id":"1","name":"x"},"list":[{"b":1,"a":2}]}"#.to_owned();
        let sorted =
            r#"{"app":{"id":"7","more":1,"name":"<y>"},"extra":0,"list":[{"a":4,"b":3}],"type":"t"}"#;
        let forms = as_in_samples(sorted.as_bytes(), &[sample]);
        for form in [
            r#"{"type":"t","app":{"id":"7","name":"<y>","more":1},"list":[{"b":3,"a":4}],"extra":0}"#,
            r#"{"type":"t","app":{"id":"7","name":"\u003cy\u003e","more":1},"list":[{"b":3,"a":4}],"extra":0}"#,
        ] {
            assert!(forms.contains(&form.as_bytes().to_vec()), "{form}");
        }
    }

    #[test]
    fn of_members_with_one_name_the_last_is_kept_at_the_place_of_the_first() {
        assert!(has(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#));
        assert!(has(r#"{"b":1.0,"10":2,"9":3}"#, r#"{"9":3,"10":2,"b":1}"#), "as JavaScript orders them");
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
