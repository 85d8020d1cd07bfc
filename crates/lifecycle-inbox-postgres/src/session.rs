//! Session: a connection with the settings that the rules of the inbox rest on.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Connect, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, Runtime, Timeouts,
    WeakPool,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, Notification, SimpleQueryMessage, Socket};

use crate::error::OpenError;
use crate::hosts::Hosts;
use crate::settings::{Password, Settings};
use crate::tls::Tls;

/// An acknowledgement means that the commit is on disk, whatever the default of the server or the role is; what asks for
/// even more is left. Functions rely on seeing what was committed before each of their statements. And where a client has
/// vanished, its locks must not outlive it for long.
const RULES: &str = "
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
    SET default_transaction_isolation = 'read committed';
    SET jit = off;
    SET tcp_keepalives_idle = 30;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 3;
";

/// How long a server takes to close a session.
const CLOSING: Duration = Duration::from_millis(50);

/// Opens sessions.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Inner>);

struct Inner {
    hosts: Arc<Hosts>,
    password: Option<Password>,
    tls: Tls,
    rules: String,
    /// Whose idle sessions are of no use to it.
    purpose: Purpose,
    others: Arc<Others>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Purpose {
    Engine,
    Handlers,
}

/// What this process has open besides, and can do without for a while: where the server has no connection left, one that is
/// idle here is better used for what has none. Clones of a connector share it.
#[derive(Default)]
struct Others {
    pools: Mutex<Vec<(Purpose, WeakPool)>>,
    /// Who listens gives that up too; the workers' poll finds what goes unheard.
    needed: Notify,
}

type Messages = Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>;

impl Connector {
    /// For the engine's own statements, none of which may take longer than the limit.
    pub(crate) fn new(settings: &Settings) -> Result<Self, OpenError> {
        let limit = settings.time_limit.as_millis().max(1);
        // There is an index for each question. Plans are kept, and one that was made for a few rows must not scan millions.
        let rules = format!(
            "{RULES} SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit};
            SET enable_seqscan = off;"
        );
        Ok(Self(Arc::new(Inner {
            hosts: Arc::new(Hosts::of(&settings.config)),
            password: settings.password.clone(),
            tls: Tls::new(settings)?,
            rules,
            purpose: Purpose::Engine,
            others: Arc::default(),
        })))
    }

    /// For the app's own handlers, whose time the worker limits. A handler that was dropped in the middle of a statement
    /// leaves nobody to wait for it, which the server is asked to notice where it can.
    pub(crate) fn for_handlers(&self) -> Self {
        let rules = format!(
            "{RULES} DO $$ BEGIN
                PERFORM set_config('client_connection_check_interval', '1s', false);
            EXCEPTION WHEN OTHERS THEN NULL;
            END $$;"
        );
        let (hosts, password) = (self.0.hosts.clone(), self.0.password.clone());
        let (tls, others) = (self.0.tls.clone(), self.0.others.clone());
        Self(Arc::new(Inner { hosts, password, tls, rules, purpose: Purpose::Handlers, others }))
    }

    /// Opens the first two sessions. Their settings are made only when it is certain that nobody shares them: a pooler that
    /// gives each transaction another session would leave them to its other clients.
    pub(crate) async fn open_first(&self, settings: &Settings) -> Result<[ClientWrapper; 2], OpenError> {
        let telling = |error: Error| OpenError::new(&error, settings);
        let (one, two) = (self.connect_first(settings).await?, self.connect_first(settings).await?);
        let work = async {
            if is_shared(&one.0, &two.0).await.map_err(telling)? {
                return Err(OpenError::Pooler);
            }
            let mut ready = Vec::new();
            for (client, driver) in [one, two] {
                client.batch_execute(&self.0.rules).await.map_err(telling)?;
                ready.push(ClientWrapper::new(client, driver.keep()));
            }
            Ok(ready)
        };
        let ready = timeout(settings.time_limit, work).await.map_err(|_| OpenError::timeout(settings))??;
        ready.try_into().map_err(|_| OpenError::Pooler)
    }

    /// Where the server has no connection left, it waits for half of the time limit: another process may be about to end. A
    /// host that does not answer must not use up the time of the others.
    async fn connect_first(&self, settings: &Settings) -> Result<(Client, AbortOnDrop), OpenError> {
        let until = Instant::now() + settings.time_limit / 2;
        let count = u32::try_from(self.0.hosts.count()).unwrap_or(1);
        let mut hung = 0;
        while hung < count {
            match timeout(settings.time_limit / count, self.connect(|_| ())).await {
                Ok(Err(error)) if is_full(&error) && Instant::now() < until => sleep(CLOSING).await,
                Ok(connected) => return connected.map_err(|error| OpenError::new(&error, settings)),
                Err(_) => hung += 1,
            }
        }
        Err(OpenError::timeout(settings))
    }

    /// Opens a session for statements only, at the cost of any that is idle.
    pub(crate) async fn open(&self) -> Result<ClientWrapper, Error> {
        let (client, driver) = self.open_instead_of(|_| true).await?;
        Ok(ClientWrapper::new(client, driver))
    }

    /// Where the server has no connection left, closes those of such pools that are idle.
    async fn open_instead_of(&self, of: impl Fn(Purpose) -> bool) -> Result<(Client, JoinHandle<()>), Error> {
        match self.open_with(|_| ()).await {
            Err(error) if is_full(&error) => {
                self.close_idle(Duration::ZERO, of);
                self.0.others.needed.notify_waiters();
                sleep(CLOSING).await;
                self.open_with(|_| ()).await
            }
            opened => opened,
        }
    }

    /// Closes the sessions that were not used for so long.
    pub(crate) fn close_unused(&self, after: Duration) {
        self.close_idle(after, |_| true);
    }

    fn close_idle(&self, after: Duration, of: impl Fn(Purpose) -> bool) {
        let mut pools = self.0.others.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|(_, pool)| pool.upgrade().is_some());
        for (purpose, pool) in &*pools {
            if let Some(pool) = pool.upgrade().filter(|_| of(*purpose)) {
                pool.retain(|_, metrics| metrics.last_used() < after);
            }
        }
    }

    /// Ends when somebody in this process finds no connection.
    pub(crate) async fn needed(&self) {
        self.0.others.needed.notified().await;
    }

    /// Opens a session that also hears. It is over when the task is.
    pub(crate) async fn open_with(
        &self,
        hear: impl Fn(&Notification) + Send + 'static,
    ) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, driver) = self.connect(hear).await?;
        client.batch_execute(&self.0.rules).await?;
        Ok((client, driver.keep()))
    }

    async fn connect(
        &self,
        hear: impl Fn(&Notification) + Send + 'static,
    ) -> Result<(Client, AbortOnDrop), Error> {
        let connect = async |mut config: Config| {
            if let Some(current) = &self.0.password {
                config.password(current());
            }
            match &self.0.tls {
                #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc")))]
                Tls::None => connect(&config, tokio_postgres::NoTls).await,
                #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
                Tls::Rustls(tls) => connect(&config, tls.clone()).await,
            }
        };
        let (client, mut messages) = self.0.hosts.connect(connect).await?;
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message {
                    hear(&notification);
                }
            }
        });
        Ok((client, AbortOnDrop(Some(driver))))
    }

    /// A pool of at most so many sessions, each step of which ends within the limit.
    pub(crate) fn pool(&self, connections: usize, limit: Duration) -> Pool {
        let manager = Manager::from_connect(Config::new(), self.clone(), ManagerConfig::default());
        let timeouts = Timeouts { wait: Some(limit), create: Some(limit), recycle: Some(limit) };
        let pool = Pool::builder(manager).max_size(connections).timeouts(timeouts).runtime(Runtime::Tokio1);
        // The one that was used last is used next, so that what only a peak needed is idle, and can be given back.
        let pool = pool.queue_mode(QueueMode::Lifo);
        let pool = pool.build().expect("a runtime for the timeouts is given");
        self.0
            .others
            .pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((self.0.purpose, pool.weak()));
        pool
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        _config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        // What is idle in its own pool would have been taken.
        Box::pin(self.open_instead_of(|purpose| purpose != self.0.purpose))
    }
}

async fn connect<T>(config: &Config, tls: T) -> Result<(Client, Messages), Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, mut connection) = config.connect(tls).await?;
    Ok((client, Box::pin(stream::poll_fn(move |context| connection.poll_message(context)))))
}

/// A session of this pool. Where the server has no connection left, one that is in use may come back soon.
pub(crate) async fn take(pool: &Pool, limit: Duration) -> Result<Object, PoolError> {
    let until = Instant::now() + limit;
    loop {
        match pool.get().await {
            Err(PoolError::Backend(error)) if is_full(&error) && Instant::now() < until => {
                sleep(CLOSING).await;
            }
            taken => return taken,
        }
    }
}

fn is_full(error: &Error) -> bool {
    error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS)
}

/// Whether two connections are not two sessions, each with a process of its own. A pooler that has an idle session gives
/// the same one to both; one that has none takes it away from between two questions.
async fn is_shared(one: &Client, two: &Client) -> Result<bool, Error> {
    let (first, second) = (process(one).await?, process(two).await?);
    if first == second {
        return Ok(true);
    }
    for _ in 0..3 {
        if process(one).await? != first || process(two).await? != second {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Asked in the simple protocol, which leaves nothing behind.
async fn process(client: &Client) -> Result<Option<String>, Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// Ends the connection if its opening is dropped half-way.
struct AbortOnDrop(Option<JoinHandle<()>>);

impl AbortOnDrop {
    fn keep(mut self) -> JoinHandle<()> {
        self.0.take().expect("it is taken here only")
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(driver) = &self.0 {
            driver.abort();
        }
    }
}
