//! Session: a connection with the settings that the rules of the inbox rest on.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Connect, Manager, ManagerConfig, Pool, Runtime, Timeouts};
use futures_util::{Stream, StreamExt, stream};
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, Notification, Socket};

use crate::error::OpenError;
use crate::settings::Settings;
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

/// Opens sessions.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Inner>);

struct Inner {
    config: Config,
    tls: Tls,
    rules: String,
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
        Ok(Self(Arc::new(Inner { config: settings.config.clone(), tls: Tls::new(settings)?, rules })))
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
        Self(Arc::new(Inner { config: self.0.config.clone(), tls: self.0.tls.clone(), rules }))
    }

    /// Opens a session for statements only.
    pub(crate) async fn open(&self) -> Result<ClientWrapper, Error> {
        let (client, driver) = self.open_with(|_| ()).await?;
        Ok(ClientWrapper::new(client, driver))
    }

    /// Opens a session that also hears. It is over when the task is.
    pub(crate) async fn open_with(
        &self,
        hear: impl Fn(&Notification) + Send + 'static,
    ) -> Result<(Client, JoinHandle<()>), Error> {
        let config = &self.0.config;
        let (client, mut messages) = match &self.0.tls {
            #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc")))]
            Tls::None => connect(config, tokio_postgres::NoTls).await?,
            #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
            Tls::Rustls(tls) => connect(config, tls.clone()).await?,
        };
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message {
                    hear(&notification);
                }
            }
        });
        let driver = AbortOnDrop(Some(driver));
        client.batch_execute(&self.0.rules).await?;
        Ok((client, driver.keep()))
    }

    /// A pool of at most so many sessions, each step of which ends within the limit.
    pub(crate) fn pool(&self, connections: usize, limit: Duration) -> Pool {
        let manager = Manager::from_connect(self.0.config.clone(), self.clone(), ManagerConfig::default());
        let timeouts = Timeouts { wait: Some(limit), create: Some(limit), recycle: Some(limit) };
        let pool = Pool::builder(manager).max_size(connections).timeouts(timeouts).runtime(Runtime::Tokio1);
        pool.build().expect("a runtime for the timeouts is given")
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        _config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(self.open_with(|_| ()))
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
