//! Full: the server has no connection left. Apps that run go on acknowledging; one that starts waits, or says why not.

use std::thread::sleep;
use std::time::{Duration, Instant};

use fastrand::Rng;
use test_postgres::{Crowd, Server};

use super::stage::Stage;
use crate::Failure;

/// How long an app may take to start, or to give up.
const START: Duration = Duration::from_secs(60);

/// A server on which connections are scarce, but enough for two apps.
pub(crate) fn start_small(rng: &mut Rng) -> Server {
    Server::start_small(rng.usize(8..=40))
}

pub(super) fn befall(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let server = stage.small()?;
    let mut crowd = Crowd::fill(&server);
    stage.acknowledges()?;

    let app = stage.any_app();
    stage.kill(app)?;
    crowd.fill_again();
    let mut starting = stage.launch(app)?;
    if stage.rng.bool() {
        // It has its chance while it waits.
        sleep(Duration::from_millis(500));
        drop(crowd);
    } else {
        stage.acknowledges()?; // the others
        let deadline = Instant::now() + START;
        while starting.ended()?.is_none() {
            if Instant::now() > deadline {
                return Err("an app neither starts in a full server nor says why not".into());
            }
            sleep(Duration::from_millis(20));
        }
        if !stage.found_no_connection(app)? {
            return Err("an app that found no connection does not say so".into());
        }
        drop(crowd);
        starting = stage.launch(app)?;
    }
    stage.has_started(app, starting)?;
    stage.acknowledges()
}
