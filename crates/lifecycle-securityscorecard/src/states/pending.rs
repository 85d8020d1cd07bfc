//! The installations on a detour, found by the hash of their state and dropped by age.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::InstallationId;

pub(super) type Digest = [u8; 32];

/// States are looked up by their hash. How long a look-up takes may tell something about a hash, but nobody can choose
/// a state by its hash, so no state has to be compared. Both lengths are fixed or zero, so no two pairs hash alike.
pub(super) fn digest(state: &str, browser: &str) -> Digest {
    Sha256::new().chain_update(state).chain_update(browser).finalize().into()
}

/// The installations on a detour, by age and by state.
#[derive(Default)]
pub(super) struct Pending {
    entries: BTreeMap<u64, Entry>,
    places: HashMap<Digest, u64>,
    next: u64,
}

pub(super) struct Entry {
    pub(super) digest: Digest,
    pub(super) installation: InstallationId,
    pub(super) issued: SystemTime,
}

impl Pending {
    pub(super) fn add(&mut self, entry: Entry) {
        self.places.insert(entry.digest, self.next);
        self.entries.insert(self.next, entry);
        self.next += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn remove(&mut self, digest: &Digest) -> Option<Entry> {
        let place = self.places.remove(digest)?;
        self.entries.remove(&place)
    }

    pub(super) fn oldest(&self) -> Option<&Entry> {
        self.entries.first_key_value().map(|(_, entry)| entry)
    }

    pub(super) fn drop_oldest(&mut self) {
        if let Some((_, entry)) = self.entries.pop_first() {
            self.places.remove(&entry.digest);
        }
    }
}
