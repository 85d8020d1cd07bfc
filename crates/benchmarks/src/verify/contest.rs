//! Contest: ours, other libraries and code written by hand, on the same callbacks.

use crate::Failure;
use crate::measure::{Rounds, interleave};
use crate::report::{Bound, Cell, Goal, Report, Table};

use super::contestant::allocations;
use super::{Pace, Purpose, by_hand, callbacks, case, limit, ours, peers};

const NOTE: &str = "\
The same 256 callbacks for all, in lines, of 383 bytes, each signed in the way that the library takes; ratios are to the HMAC \
of the body, with its key scheduled beforehand, and to ours. *Verify* is what the library does to tell genuine from forged. \
*Verify and decode* begins with the head of a request and ends with an event that outlives it; those that only verify leave the \
decoding to `serde_json`, into an owned struct. `svix`, `standardwebhooks` and `webhook-verify` always look among the headers; \
ours, `octocrab` and `slack-morphism` are handed the signature to verify.";

/// Who was measured, and which of the cases are its own.
struct Entry {
    name: &'static str,
    verify: usize,
    decode: usize,
    allocations: [u64; 2],
}

pub(super) fn measure(report: &mut Report, pace: Pace) -> Result<(), Failure> {
    let callbacks = callbacks::pretty();
    let mut contestants = vec![ours::contestant(&callbacks), by_hand::naive(&callbacks)];
    contestants.extend(peers(&callbacks));

    let mut cases = Vec::from(limit::cases(&callbacks));
    let mut entries = Vec::new();
    for contestant in &contestants {
        entries.push(Entry {
            name: contestant.name,
            verify: cases.len(),
            decode: cases.len() + 1,
            allocations: [allocations(&contestant.verify), allocations(&contestant.decode)],
        });
        cases.extend([case("verify", &contestant.verify), case("decode", &contestant.decode)]);
    }
    let rounds = interleave(&mut cases, pace.rounds, pace.slice)?;
    report.table(table(&entries, &rounds));
    goals(report, &entries, &rounds);
    Ok(())
}

fn table(entries: &[Entry], rounds: &Rounds) -> Table {
    let hmac = limit::faster(rounds);
    let ours = &entries[0];
    let row = |entry: &Entry| {
        let [verify, decode] = entry.allocations;
        vec![
            Cell::new(entry.name),
            Cell::Ratio(rounds.ratio(entry.verify, hmac)),
            Cell::Ratio(rounds.ratio(entry.verify, ours.verify)),
            Cell::Ratio(rounds.ratio(entry.decode, hmac)),
            Cell::Ratio(rounds.ratio(entry.decode, ours.decode)),
            Cell::new(format!("{verify}, {decode}")),
        ]
    };
    let headings =
        ["", "verify / HMAC", "/ ours", "verify and decode / HMAC", "/ ours", "allocations of both"];
    Table {
        title: "Against other libraries".to_owned(),
        note: NOTE.to_owned(),
        headings: headings.map(str::to_owned).to_vec(),
        rows: entries.iter().map(row).collect(),
    }
}

fn goals(report: &mut Report, entries: &[Entry], rounds: &Rounds) {
    // The last: how much longer than the HMAC the fastest of them took on the Zen 4 that the bounds are from.
    for (id, purpose, who, times, there) in [
        ("G4", Purpose::Verify, &["svix", "standardwebhooks"][..], 7.0, Some(9.0)),
        ("G4", Purpose::Verify, &["octocrab", "slack-morphism"], 1.8, Some(2.34)),
        ("G4", Purpose::Verify, &["webhook-verify"], 1.0, None),
        ("G5", Purpose::Decode, &["svix", "standardwebhooks"], 4.0, Some(11.5)),
        ("G5", Purpose::Decode, &["octocrab", "slack-morphism"], 1.6, Some(4.67)),
    ] {
        let place = |entry: &Entry| match purpose {
            Purpose::Verify => entry.verify,
            Purpose::Decode => entry.decode,
        };
        let peers =
            || who.iter().filter_map(|name| entries.iter().find(|entry| entry.name == *name)).map(place);
        let times_faster = |base| peers().map(|peer| rounds.ratio(peer, base).median).reduce(f64::min);
        let missing = if peers().count() < who.len() { "Not all of them are built in." } else { "" };
        let limit = times_faster(limit::faster(rounds));
        let limit =
            limit.map(|times| format!("The bare HMAC is {times:.1} times faster than the fastest of them."));
        let there =
            there.map(|times: f64| format!("It was {times} times on the Zen 4 that the bound is from."));
        let (doing, ours) = match purpose {
            Purpose::Verify => {
                ("verify", "Ours adds the look for the header, its digits and the name of the secret.")
            }
            Purpose::Decode => {
                ("verify and decode", "Three quarters of the instructions of our decoding are serde_json's.")
            }
        };
        report.goal(Goal {
            id,
            what: format!("{doing}, times faster than {}", who.join(", ")),
            bound: Bound::AtLeast(times),
            measured: times_faster(place(&entries[0])),
            note: [missing, &limit.unwrap_or_default(), &there.unwrap_or_default(), ours]
                .join(" ")
                .trim()
                .to_owned(),
        });
    }
}
