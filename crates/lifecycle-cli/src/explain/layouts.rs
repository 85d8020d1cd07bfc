//! Layouts: what may have been signed beside the body, given what the platform signs.

use super::cause::Cause;
use super::form::Piece;

/// The causes that are about what is signed beside the body.
pub(super) const CAUSES: &[Cause] = &[
    Cause::layout(
        "body-alone",
        body_alone,
        "the body alone is signed, without the time and what else the platform signs with it",
        "sign all parts in their order, such as `t.body` with the time of the header",
    ),
    Cause::layout(
        "part-left-out",
        part_left_out,
        "a part of what the platform signs is left out, such as its version, its id or a dot",
        "sign all parts in their order, as the platform documents them",
    ),
    Cause::layout(
        "time-unit",
        time_unit,
        "the time is in seconds on one side and in milliseconds on the other",
        "sign the header's own text; do not read it as a number and write it again",
    ),
    Cause::layout(
        "part-order",
        part_order,
        "the parts of what is signed are in another order",
        "put them in the order that the platform documents; the body comes last on most",
    ),
    Cause::layout(
        "part-separator",
        part_separator,
        "other letters stand between the parts of what is signed",
        "join them as the platform documents: Stripe by dots, Slack by colons, Discord without any",
    ),
];

type Pieces = Vec<Piece>;

/// Nothing but the body.
pub(super) fn body_alone(pieces: &[Piece]) -> Vec<Pieces> {
    if pieces.len() > 1 { vec![vec![Piece::Body]] } else { Vec::new() }
}

/// One part less: a value with the text behind it or in front, or a text alone, such as a version.
pub(super) fn part_left_out(pieces: &[Piece]) -> Vec<Pieces> {
    let mut found = Vec::new();
    for place in (0..pieces.len()).filter(|place| pieces[*place] != Piece::Body) {
        for end in place + 1..=(place + 2).min(pieces.len()) {
            if pieces[place..end].contains(&Piece::Body) {
                continue;
            }
            found.push([&pieces[..place], &pieces[end..]].concat());
        }
    }
    found.retain(|pieces| pieces.len() > 1);
    found
}

/// A time in seconds as milliseconds, and the other way round.
pub(super) fn time_unit(pieces: &[Piece]) -> Vec<Pieces> {
    let other = |told: &[u8]| -> Option<Vec<u8>> {
        let is_number = told.iter().all(u8::is_ascii_digit);
        match (is_number, told.len()) {
            (true, 10) => Some([told, b"000"].concat()),
            (true, 13) => Some(told[..10].to_vec()),
            _ => None,
        }
    };
    let changed: Pieces = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Told(told) => Piece::Told(other(told).unwrap_or_else(|| told.clone())),
            own => own.clone(),
        })
        .collect();
    if changed == pieces { Vec::new() } else { vec![changed] }
}

/// Two parts that changed places.
pub(super) fn part_order(pieces: &[Piece]) -> Vec<Pieces> {
    let values: Vec<usize> =
        (0..pieces.len()).filter(|place| !matches!(pieces[*place], Piece::Text(_))).collect();
    let mut found = Vec::new();
    for (count, one) in values.iter().enumerate() {
        for other in &values[count + 1..] {
            let mut swapped = pieces.to_vec();
            swapped.swap(*one, *other);
            found.push(swapped);
        }
    }
    found
}

/// Another text between the parts, or one where the platform has none.
pub(super) fn part_separator(pieces: &[Piece]) -> Vec<Pieces> {
    let others: [&[u8]; 7] = [b"", b".", b":", b",", b"-", b"\n", b"|"];
    if pieces.len() == 2 && pieces.iter().all(|piece| !matches!(piece, Piece::Text(_))) {
        let between = |other: &[u8]| vec![pieces[0].clone(), Piece::Text(other.to_vec()), pieces[1].clone()];
        return others.into_iter().filter(|other| !other.is_empty()).map(between).collect();
    }
    let with = |other: &[u8]| -> Pieces {
        let mut changed = pieces.to_vec();
        for piece in changed.iter_mut().skip(1) {
            if let Piece::Text(text) = piece
                && text.len() == 1
            {
                *text = other.to_vec();
            }
        }
        changed
    };
    others.into_iter().map(with).filter(|changed| changed != pieces).collect()
}
