//! Words: names and phrases of ours for what has a plain name, or one that the field uses.

use crate::tree;

/// A word that is not used, and what is said in its place.
struct Word {
    old: &'static str,
    new: &'static str,
    /// The start of the paths that the rule is for: some words mean something else elsewhere.
    under: &'static str,
}

const fn word(old: &'static str, new: &'static str) -> Word {
    Word { old, new, under: "" }
}

const fn in_inbox(old: &'static str, new: &'static str) -> Word {
    Word { old, new, under: "crates/lifecycle-inbox" }
}

const fn in_conformance(old: &'static str, new: &'static str) -> Word {
    Word { old, new, under: "crates/lifecycle-conformance" }
}

const fn in_fixtures(old: &'static str, new: &'static str) -> Word {
    Word { old, new, under: "fixtures" }
}

/// Lower case: found in any case. Otherwise, and with `_`, only as written.
const WORDS: &[Word] = &[
    // Names.
    word("answered_by_route", "record"),
    word("Authentic", "VerifiedRequest"),
    word("counts_at", "valid_at"),
    word("Delivery::restore", "Delivery::from_store_unverified"),
    word("Intake", "Verification"),
    word("Judged", "CheckedHead"),
    word("Outcome::Refuse", "Decision::Refuse"),
    word("Platforms::and", "Platforms::with"),
    word("Receiver::open", "Verifier::begin"),
    word("Secrets::and", "Secrets::or"),
    word("time_budget", "timeout"),
    in_inbox("Ask", "FnJob"),
    in_inbox("Bell", "PgNotifier"),
    in_inbox("Crew", "Dispatcher"),
    in_inbox("Desk", "BatchContext"),
    in_inbox("discard", "delete: elsewhere, a discarded job is a dead letter"),
    in_inbox("End", "Completion"),
    in_inbox("Ender", "Batcher"),
    in_inbox("follow_clock", "resync_clock"),
    in_inbox("Found", "JobResult"),
    in_inbox("GIVE_BACK", "RELEASE_TIMEOUT"),
    in_inbox("heard", "a Subscription"),
    in_inbox("insist", "insert_with_retry"),
    in_inbox("let_go", "untrack"),
    in_inbox("Lost", "what was lost: a lease, a transaction"),
    in_inbox("News", "Notifications"),
    in_inbox("open_migrated", "open_without_migrating"),
    in_inbox("PATIENCE", "STORE_BACKOFF"),
    in_inbox("Ran", "RunOutcome"),
    in_inbox("fn ring", "notify"),
    in_inbox("Ringer", "PgNotifier"),
    in_inbox("Seen", "what was seen: a snapshot"),
    in_inbox("Signals", "Notifier"),
    in_inbox("Stored", "StoredDelivery"),
    in_inbox("Summary", "DeliverySummary"),
    in_inbox("Taken", "Guard"),
    in_inbox("Turn", "AsyncMutex"),
    in_inbox("Verdict", "Disposition"),
    in_inbox("Waiting", "what is waiting: a request, a caller"),
    in_conformance("face", "route"),
    in_conformance("faces", "routes"),
    in_conformance("nature", "kind"),
    in_fixtures("face", "route"),
    in_fixtures("faces", "routes"),
    in_fixtures("nature", "kind"),
    in_fixtures("twice-alike", "repeated-same"),
    in_fixtures("untold", "none"),
    // Phrases.
    word("a hand in the file", "a manual edit"),
    word("anew", "again"),
    word("gainsay", "contradict; or say that repeated headers must agree"),
    word("held against", "compared with"),
    word("judges a head", "validates a head"),
    word("keeps house", "prunes"),
    word("lying length", "an untrue Content-Length"),
    word("mend", "fix, correct"),
    word("mended", "fixed, corrected"),
    word("mends", "fixes, corrects"),
    word("net under", "fallback"),
    word("no callback's", "not a callback's"),
    word("no delivery any more", "cannot be decoded"),
    word("are no text", "are not text"),
    word("is no text", "is not text"),
    word("order work", "amplify CPU work"),
    word("quiet times", "normally"),
    word("stand twice", "are repeated"),
    word("stands twice", "is repeated"),
    word("tells a log", "emits an event"),
    word("worker's ear", "subscription"),
];

/// The rules themselves, and the list of what was renamed.
const EXEMPT: &[&str] = &["xtask/tests/architecture/words.rs", "CHANGELOG.md"];

#[test]
fn what_has_a_plain_name_is_called_by_it() {
    let mut found = Vec::new();
    for file in tree::text("") {
        if EXEMPT.iter().any(|exempt| file.path.starts_with(exempt)) {
            continue;
        }
        let words: Vec<&Word> = WORDS.iter().filter(|word| file.path.starts_with(word.under)).collect();
        for (number, line) in file.text.lines().enumerate() {
            for Word { old, new, .. } in words.iter().filter(|word| has(line, word.old)) {
                found.push(format!("{}:{}: `{old}`; rather: {new}", file.path, number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{} words to replace:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_word_is_found_whole_and_as_it_is_written() {
    assert!(has("It begins Anew.", "anew") && !has("renewed", "new"));
    assert!(has("struct Bell;", "Bell") && !has("a bell", "Bell") && !has("Bells", "Bell"));
    assert!(!has("let_goes", "let_go") && has("self.let_go(id)", "let_go"));
}

/// Whether a line has this word, with no letter, digit or `_` on either side.
fn has(line: &str, word: &str) -> bool {
    let is_name = word.contains(|letter: char| letter.is_uppercase() || letter == '_');
    let line = if is_name { line.to_owned() } else { line.to_lowercase() };
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}
