//! Late uninstalls, as each platform tells of them.

use std::time::SystemTime;

use lifecycle_core::{Change, Delivery, Field, Installation, Observation, Status};
use lifecycle_testing::{Sender, registry};

use crate::{SECOND, start};

/// The install of an hour: the platform's, or one that the app has recorded.
fn install(sender: &'static Sender, at: SystemTime, id: &str) -> Delivery {
    if let Some(install) = sender.sample("install") {
        return install.at(at).installation(id).delivery();
    }
    Delivery::observed(&Observation::install(sender.platform(), "app", "tenant", at), at)
}

#[test]
fn a_late_uninstall_of_an_older_installation_ends_no_newer_one_where_the_platform_tells_its_time() {
    let mut tried = 0;
    for sender in registry().iter().copied() {
        for (_, event) in sender.events().filter(|(kind, _)| *kind == "uninstall") {
            let minute = |minutes| start() + SECOND * 60 * minutes; // a token may be good for an hour
            let opened = [
                Change::new(&install(sender, minute(0), "1"), 1),
                Change::new(&install(sender, minute(20), "2"), 2),
            ];
            let before = crate::fold(&opened).unwrap();
            let late = sender.sample(event).unwrap().installation("1");
            let late = late.at(minute(10)).sent(minute(30)).delivery();
            let (after, _) = Installation::fold(Some(before.clone()), &Change::new(&late, 3));
            // What tells neither when nor which closes: where the order is in doubt, the end counts.
            let has_time = late.event().occurred().is_some() && late.proves(Field::Occurred);
            let is_told = has_time || late.event().installation().is_some();
            let expected = if is_told { before.status() } else { Status::Uninstalled };
            assert_eq!(after.unwrap().status(), expected, "{sender:?} {event}");
            tried += 1;
        }
    }
    assert!(tried >= 9, "{tried}");
}
