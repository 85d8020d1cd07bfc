//! Needles: what is looked for in everything that is shown.

use std::collections::HashMap;

use lifecycle_testing::registry;
use test_privacy::shows;

use crate::requests::{Request, requests_of};

/// The bytes at which a needle is recognized: whoever sees so many of a token or of a signature has seen part of it.
const LENGTH: usize = 16;

/// The canary, in whatever form; and of each request its signatures, its tokens and the MACs that would have been right.
#[derive(Default)]
pub(crate) struct Needles(HashMap<Vec<u8>, &'static str>);

impl Needles {
    pub(crate) fn add(&mut self, request: &Request) {
        for (what, text) in request.private() {
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-".contains(letter);
            for part in text.split(|letter| !is_part(letter)) {
                if let Some(start) = part.to_ascii_lowercase().as_bytes().get(..LENGTH) {
                    self.0.insert(start.to_vec(), what);
                }
            }
        }
    }

    /// What a text shows, if anything.
    pub(crate) fn found(&self, text: &str) -> Option<&'static str> {
        if shows(text) {
            return Some("the canary");
        }
        let text = text.to_ascii_lowercase();
        text.as_bytes().windows(LENGTH).find_map(|part| self.0.get(part).copied())
    }
}

#[test]
fn a_part_of_each_signature_and_of_each_token_is_found() {
    for request in registry().iter().copied().flat_map(requests_of).filter(|request| !request.is_hook()) {
        let mut needles = Needles::default();
        needles.add(&request);
        let found = |text: &str| needles.0.contains_key(text.to_ascii_lowercase().as_bytes());
        let proofs = request.private().filter(|(_, text)| !shows(text));
        let longest = proofs.map(|(_, text)| text).max_by_key(String::len).expect("it has one");
        let mut parts = (0..=longest.len() - LENGTH).map(|start| &longest[start..start + LENGTH]);
        assert!(parts.any(found), "{request:?}: {longest}");
    }
}
