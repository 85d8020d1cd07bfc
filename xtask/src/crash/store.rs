//! Store: the database of a round.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use fastrand::Rng;
use test_postgres::Server;

use super::failover::Pair;
use super::full;
use super::incident::Incident;
use super::round::Engine;
use crate::Failure;

pub(crate) enum Store {
    /// A new file each time, so that a kill can also meet its making. It is in a folder of its own.
    File(PathBuf),
    /// A primary and its standby.
    Pair(Box<Pair>),
    /// PostgreSQL's database that lives through all rounds which leave it as it is.
    Shared,
    /// A server of few connections.
    Small(Rc<Server>),
}

impl Store {
    pub(crate) fn new(
        engine: Engine,
        incident: Incident,
        folder: &Path,
        rng: &mut Rng,
    ) -> Result<Self, Failure> {
        if engine == Engine::Sqlite {
            let data = folder.join("data");
            std::fs::create_dir(&data)?;
            return Ok(Self::File(data.join("inbox.db")));
        }
        Ok(match incident {
            Incident::Failover => Self::Pair(Box::new(Pair::start())),
            Incident::Full => Self::Small(Rc::new(full::start_small(rng))),
            _ => Self::Shared,
        })
    }

    /// For `DATABASE_URL`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite:{}", path.display()),
            Self::Pair(pair) => pair.primary.url_with(&pair.standby),
            Self::Shared => test_postgres::url().to_owned(),
            Self::Small(server) => server.url(),
        }
    }
}
