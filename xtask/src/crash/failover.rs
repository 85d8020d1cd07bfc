//! Failover: the primary crashes, or hangs and then dies, and its standby is promoted.

use test_postgres::Server;

use super::stage::Stage;
use crate::Failure;

/// A primary that acknowledges nothing before its standby has it, and the standby.
pub(crate) struct Pair {
    pub(crate) primary: Server,
    pub(crate) standby: Server,
}

impl Pair {
    pub(crate) fn start() -> Self {
        let primary = Server::start();
        let standby = primary.start_standby();
        primary.execute(&["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"]);
        Self { primary, standby }
    }
}

pub(super) fn befall(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let (hangs, pause) = (stage.rng.bool(), 800);
    if hangs {
        stage.pair()?.primary.freeze();
        stage.pause(pause);
    } else {
        stage.pair()?.primary.stop();
        stage.pause(pause);
    }
    stage.pair()?.standby.promote();
    if hangs {
        stage.pause(pause); // the old one comes to an end only now
        stage.pair()?.primary.stop();
    }
    // Before the next kill: an app does not start where it finds no node that takes writes.
    stage.acknowledges()
}
