//! Search: tries the causes one by one and, where none is enough, together.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::algorithm::{Algorithm, Computed, KeyMaterial};
use super::bodies;
use super::cause::{Cause, Change, Finding, SIGNATURE_CUT, all};
use super::form::{Form, Piece};
use super::key_file::GivenKey;
use super::secrets::Key;
use super::signatures;

/// The most causes that are tried together.
const TOGETHER: usize = 3;

/// The most bytes that are hashed: at most some seconds' work.
const WORK: usize = 1 << 28;

/// How many bytes are hashed in the time that a signature is verified in.
const VERIFICATION: usize = 32 * 1024;

/// The largest body of which two changes are tried together, since each of thousands is a copy.
const PAIRED_BODY_MAX: usize = 16 * 1024;

/// What is known of a request.
pub(super) struct Evidence<'a> {
    pub(super) form: &'a Form,
    pub(super) body: &'a [u8],
    pub(super) headers: &'a [(String, String)],
    pub(super) keys: Keys<'a>,
    /// Bodies as the platform writes them.
    pub(super) samples: &'a [String],
}

/// What may have made the signature.
#[derive(Clone, Copy)]
pub(super) enum Keys<'a> {
    Public(&'a [GivenKey]),
    Secret { current: &'a [u8], previous: Option<&'a [u8]> },
}

/// What the search found out.
pub(super) struct Findings {
    /// What it takes for the signature to match: nothing if it matches as it is; `None` if no cause was found.
    pub(super) causes: Option<Vec<Finding>>,
    /// How many combinations were tried.
    pub(super) tried: usize,
    /// Whether all of them were.
    pub(super) complete: bool,
}

/// A value, and what made it out of the one that was given.
struct Variant<T> {
    causes: Vec<&'static Cause>,
    value: T,
}

/// The fewest causes with which the signature matches. Most often it is none or one, and few combinations have to be made.
pub(super) fn search(evidence: &Evidence<'_>) -> Findings {
    for most in [0, 1] {
        let findings = search_up_to(most, evidence);
        if findings.causes.is_some() {
            return findings;
        }
    }
    search_up_to(TOGETHER, evidence)
}

/// The same without another body: by another algorithm alone.
pub(super) fn search_as_it_is(evidence: &Evidence<'_>) -> Findings {
    let form = evidence.form.clone().with_certain_body();
    search_up_to(1, &Evidence { form: &form, ..*evidence })
}

fn search_up_to(most: usize, evidence: &Evidence<'_>) -> Findings {
    let bodies = body_variants(most, evidence);
    let keys = key_variants(most, evidence);
    let presented = signature_variants(most, evidence);
    let algorithms = algorithm_variants(evidence.form.algorithm());
    let layouts = layout_variants(evidence);
    let mut combinations = Vec::new();
    // Most pairs of a body and a key are too many causes already, and there are thousands of pairs.
    for (b, body) in bodies.iter().enumerate() {
        for (k, key) in keys.iter().enumerate() {
            let Some(left) = most.checked_sub(body.causes.len() + key.causes.len()) else { continue };
            for (a, algorithm) in algorithms.iter().enumerate().filter(|(_, own)| own.value.takes(&key.value))
            {
                for (l, layout) in layouts.iter().enumerate() {
                    let count = algorithm.causes.len() + layout.causes.len();
                    if count <= left {
                        combinations.push((most - left + count, b, k, a, l));
                    }
                }
            }
        }
    }
    combinations.sort_by_key(|(count, ..)| *count);

    let mut best: Option<Vec<&'static Cause>> = None;
    let (mut tried, mut hashed) = (0, 0_usize);
    let mut complete = evidence.body.len() <= PAIRED_BODY_MAX;
    for (count, b, k, a, l) in combinations {
        if best.as_ref().is_some_and(|best| best.len() <= count) {
            break;
        }
        let (body, key, algorithm, layout) = (&bodies[b], &keys[k], &algorithms[a], &layouts[l]);
        hashed += body.value.len() + 256;
        if hashed > WORK {
            complete = false;
            break;
        }
        let message = message(&layout.value, &body.value);
        let Some(computed) = algorithm.value.compute(&key.value, message) else { continue };
        for signature in &presented {
            let together = count + signature.causes.len();
            let is_better =
                |count: usize| count <= most && best.as_ref().is_none_or(|best| best.len() > count);
            if !is_better(together) {
                continue;
            }
            tried += 1;
            if matches!(computed, Computed::Signed { .. }) {
                hashed += VERIFICATION;
            }
            let cut = if computed.is(&signature.value) {
                None
            } else if is_better(together + 1) && computed.begins_with(&signature.value) {
                Some(&SIGNATURE_CUT)
            } else {
                continue;
            };
            let all = [&signature.causes, &key.causes, &layout.causes, &body.causes, &algorithm.causes];
            best = Some(all.into_iter().flatten().copied().chain(cut).collect());
        }
    }
    let causes = best.map(|causes| causes.into_iter().map(Finding::new).collect());
    Findings { causes, tried, complete }
}

fn body_variants(most: usize, evidence: &Evidence<'_>) -> Vec<Variant<Vec<u8>>> {
    let mut seen = HashSet::from([digest(evidence.body)]);
    let mut variants = vec![Variant { causes: Vec::new(), value: evidence.body.to_vec() }];
    if evidence.form.is_body_certain() {
        return variants;
    }
    let mut start = 0;
    let rounds = if evidence.body.len() <= PAIRED_BODY_MAX { most.min(2) } else { 1 };
    for _ in 0..rounds {
        let end = variants.len();
        for place in start..end {
            for cause in all() {
                if variants[place]
                    .causes
                    .iter()
                    .any(|own| own.id == cause.id || is_json(own) && is_json(cause))
                {
                    continue;
                }
                let changed = match cause.change {
                    Change::Body(change) => change(&variants[place].value),
                    Change::Sample(change) => change(&variants[place].value, evidence.samples),
                    _ => continue,
                };
                for value in changed {
                    if seen.insert(digest(&value)) {
                        variants.push(Variant { causes: with(&variants[place].causes, cause), value });
                    }
                }
            }
        }
        start = end;
    }
    variants
}

/// Whether a cause writes a document again in all forms, so that two of them give no more than one.
fn is_json(cause: &Cause) -> bool {
    matches!(cause.change, Change::Sample(_)) || cause.id == bodies::JSON_RESERIALISED
}

fn key_variants(most: usize, evidence: &Evidence<'_>) -> Vec<Variant<KeyMaterial>> {
    match evidence.keys {
        Keys::Public(keys) => keys
            .iter()
            .map(|given| Variant {
                causes: given.causes.clone(),
                value: KeyMaterial::Public(given.key.clone()),
            })
            .collect(),
        Keys::Secret { current, previous } => secret_variants(most, evidence.form, current, previous)
            .into_iter()
            .map(|variant| Variant { causes: variant.causes, value: KeyMaterial::Secret(variant.value) })
            .collect(),
    }
}

fn secret_variants(most: usize, form: &Form, current: &[u8], previous: Option<&[u8]>) -> Vec<Variant<Key>> {
    let secret = form.key(current);
    let mut seen = HashSet::from([digest(&secret)]);
    let mut variants = vec![Variant { causes: Vec::new(), value: Key::new(secret) }];
    let previous = previous.map(|secret| form.key(secret));
    if let (Some(previous), Some(cause)) = (previous, find(|change| matches!(change, Change::PreviousSecret)))
        && seen.insert(digest(&previous))
    {
        variants.push(Variant { causes: vec![cause], value: Key::new(previous) });
    }
    // What is wrong with a text that stands for a key keeps it from being read.
    let is_unread = variants[0].value.as_slice() == current;
    for cause in all().filter(|_| is_unread) {
        let Change::Secret(change) = cause.change else { continue };
        for text in change(current) {
            let value = Key::new(form.key(&text));
            if seen.insert(digest(&value)) {
                variants.push(Variant { causes: vec![cause], value });
            }
        }
    }
    let mut start = 0;
    for _ in 0..most.min(2) {
        let end = variants.len();
        for place in start..end {
            for cause in all() {
                let Change::Secret(change) = cause.change else { continue };
                for value in change(&variants[place].value) {
                    if seen.insert(digest(&value)) {
                        variants.push(Variant { causes: with(&variants[place].causes, cause), value });
                    }
                }
            }
        }
        start = end;
    }
    variants
}

fn signature_variants(most: usize, evidence: &Evidence<'_>) -> Vec<Variant<Vec<u8>>> {
    let mut texts: Vec<Variant<String>> = Vec::new();
    for (name, value) in evidence.headers {
        let mut causes: Vec<&'static Cause> = Vec::new();
        if !evidence.form.is_first(name) {
            if !evidence.form.is_own(name) && !is_signature(name) {
                continue;
            }
            causes.extend(find(|change| matches!(change, Change::OtherHeader)));
        }
        for (value, otherwise) in evidence.form.elements(value) {
            let form = otherwise
                .and_then(|one| find(|change| matches!(change, Change::Otherwise(own) if *own == one)));
            texts.push(Variant { causes: causes.iter().copied().chain(form).collect(), value });
        }
    }
    let mut start = 0;
    for _ in 0..most.min(2) {
        let end = texts.len();
        for place in start..end {
            for cause in all() {
                let Change::Signature(change) = cause.change else { continue };
                for value in change(&texts[place].value) {
                    if !value.is_empty() && texts.iter().all(|own| own.value != value) {
                        let causes = with(&texts[place].causes, cause);
                        texts.push(Variant { causes, value });
                    }
                }
            }
        }
        start = end;
    }
    let decoded = |text: Variant<String>| {
        let value = signatures::decode(&text.value)?;
        Some(Variant { causes: text.causes, value })
    };
    texts.into_iter().filter_map(decoded).collect()
}

fn algorithm_variants(own: Algorithm) -> Vec<Variant<Algorithm>> {
    let mut variants = vec![Variant { causes: Vec::new(), value: own }];
    for cause in all() {
        if let Change::Algorithm(algorithms) = cause.change {
            variants.extend(algorithms.iter().map(|value| Variant { causes: vec![cause], value: *value }));
        }
    }
    variants
}

fn layout_variants(evidence: &Evidence<'_>) -> Vec<Variant<Vec<Piece>>> {
    let own = evidence.form.pieces(evidence.headers);
    let mut variants: Vec<Variant<Vec<Piece>>> = Vec::new();
    for cause in all() {
        let Change::Layout(change) = cause.change else { continue };
        for value in change(&own) {
            if value != own && variants.iter().all(|known| known.value != value) {
                variants.push(Variant { causes: vec![cause], value });
            }
        }
    }
    variants.insert(0, Variant { causes: Vec::new(), value: own });
    variants
}

/// What is signed, with this body.
fn message(pieces: &[Piece], body: &[u8]) -> Vec<u8> {
    let bytes = |piece: &Piece| match piece {
        Piece::Body => body.to_vec(),
        Piece::Text(bytes) | Piece::Told(bytes) => bytes.clone(),
    };
    pieces.iter().flat_map(bytes).collect()
}

/// Whether a header may carry a signature: one that a proxy renamed.
pub(super) fn is_signature(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("signature") || name.contains("hmac")
}

fn find(is_it: impl Fn(&Change) -> bool) -> Option<&'static Cause> {
    all().find(|cause| is_it(&cause.change))
}

fn with(causes: &[&'static Cause], cause: &'static Cause) -> Vec<&'static Cause> {
    causes.iter().copied().chain([cause]).collect()
}

/// To find equal ones without keeping secrets or copies.
fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
