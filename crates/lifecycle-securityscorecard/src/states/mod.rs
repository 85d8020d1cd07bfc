//! Which installations are on a detour, such as the app's own OAuth, and under which single-use state each comes back.

mod pending;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use pending::{Digest, Entry, Pending, digest};
pub use state::{BoundState, InstallState, StateError};

use crate::InstallationId;

/// Remembers installations while their users take a step of the app's own, such as another provider's OAuth.
///
/// `issue` gives a state to send along; `redeem` gives the installation back for it: once, within a time, and never for
/// a value that was not issued here. So the installation id itself goes to nobody else, and a callback that was made up
/// or replayed finds nothing.
///
/// # Which forgeries this stops
///
/// A state proves that *some* visit to the app led to the callback, not that it was this browser's. An attacker can
/// begin an installation, stop before the callback, and lead a victim's browser there: the victim then sees a page for
/// the attacker's installation, filled in with the attacker's account, and may enter secrets into it. [`issue_bound`]
/// ends that: it also gives a value for the browser to keep, and [`redeem_bound`] wants both. Use it whenever you can
/// set a cookie: `__Host-` prefix, `Secure`, `HttpOnly`, `Path=/`, and `SameSite=Lax` rather than `Strict`, since the
/// callback arrives from another site. Name it after the state, by some of its first characters: a cookie with a fixed name is
/// overwritten by a second tab, and the first one's installation fails.
///
/// Neither can stop a link to `install_url` with the attacker's own installation id. The platform does not sign that id,
/// so the page never submits itself, and the person at the browser decides.
///
/// # Limits
///
/// States are kept in memory, as hashes: a restart forgets them, and several servers need sticky sessions. There is room
/// for [`CAPACITY`](Self::CAPACITY), about 7 MiB with the longest ids; then the oldest makes room, so whoever
/// floods `install_url` can push others out. Limit the rate of requests in front of it. Clones share one memory.
///
/// ```
/// use lifecycle_core::Reply;
/// use lifecycle_securityscorecard::{
///     DeclaredSecret, InstallPage, InstallQuery, InstallStates, Manifest,
/// };
/// use std::time::SystemTime;
///
/// let manifest = Manifest {
///     secrets: vec![DeclaredSecret::required("CHAT_TOKEN", "Filled in when you connect your chat")],
///     ..Manifest::new("Acme Notifier", "acme_notifier")
/// };
/// let (page, states) = (InstallPage::new(&manifest)?, InstallStates::default());
///
/// // A second tab has a cookie of its own.
/// let cookie_name = |state: &str| format!("__Host-install-{}", state.get(..8).unwrap_or_default());
///
/// // GET install_url: on to the chat's own consent page.
/// let install = |query: &str, now: SystemTime| -> Result<Reply, Box<dyn std::error::Error>> {
///     let issued = states.issue_bound(InstallQuery::default().read(query)?, now)?;
///     let location = format!("https://chat.example/oauth?client_id=7&state={}", issued.state.expose());
///     let cookie = format!(
///         "{}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600",
///         cookie_name(issued.state.expose()),
///         issued.browser.expose(),
///     );
///     Ok(Reply::empty(303).header("location", location).header("set-cookie", cookie))
/// };
///
/// // GET the OAuth callback: the state and its cookie give the installation back, and `code` gives a token.
/// let callback = |state: &str, cookie: &str, now: SystemTime| -> Result<Reply, Box<dyn std::error::Error>> {
///     let installation = states.redeem_bound(state, cookie, now)?;
///     let token = "what the chat gave for `code`";
///     Ok(page.form(&installation).prefill("CHAT_TOKEN", token)?.render())
/// };
///
/// let now = SystemTime::now();
/// let sent = install("installation=ins_7Yk2", now)?;
/// let value = |name: &str, from: &str| -> String {
///     let header = sent.headers().find(|(own, _)| *own == name).unwrap().1;
///     header.split_once(from).unwrap().1.chars().take_while(|c| *c != ';').collect()
/// };
/// let state = value("location", "state=");
/// let cookie = value("set-cookie", &format!("{}=", cookie_name(&state)));
/// assert_eq!(callback(&state, &cookie, now)?.status(), 200);
/// assert!(callback(&state, &cookie, now).is_err()); // a second time finds nothing
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`issue_bound`]: Self::issue_bound
/// [`redeem_bound`]: Self::redeem_bound
#[derive(Clone)]
pub struct InstallStates {
    lifetime: Duration,
    capacity: usize,
    pending: Arc<Mutex<Pending>>,
}

impl InstallStates {
    /// How long a state is good for, unless set: 10 minutes.
    pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
    /// How many states are remembered, unless set: 10 000.
    pub const CAPACITY: usize = 10_000;

    /// A memory of its own for at most `capacity` states (at least one), each good for `lifetime`.
    pub fn new(lifetime: Duration, capacity: usize) -> Self {
        Self { lifetime, capacity: capacity.max(1), pending: Arc::default() }
    }

    /// A state for this installation, to be sent along and redeemed by [`redeem`](Self::redeem).
    ///
    /// # Errors
    /// [`StateError::NoRandomness`].
    pub fn issue(&self, installation: InstallationId, now: SystemTime) -> Result<InstallState, StateError> {
        let state = InstallState::random()?;
        self.remember(digest(state.expose(), ""), installation, now);
        Ok(state)
    }

    /// A state for this installation, and a value for the browser to keep. Only both together are redeemed.
    ///
    /// # Errors
    /// [`StateError::NoRandomness`].
    pub fn issue_bound(
        &self,
        installation: InstallationId,
        now: SystemTime,
    ) -> Result<BoundState, StateError> {
        let (state, browser) = (InstallState::random()?, InstallState::random()?);
        self.remember(digest(state.expose(), browser.expose()), installation, now);
        Ok(BoundState { state, browser })
    }

    /// The installation that [`issue`](Self::issue) gave this state for. From now on the state is unknown.
    ///
    /// # Errors
    /// [`StateError::Unknown`] and [`StateError::Expired`]. The error converts to a [`Reply`](lifecycle_core::Reply).
    pub fn redeem(&self, state: &str, now: SystemTime) -> Result<InstallationId, StateError> {
        if state.len() != InstallState::LEN {
            return Err(StateError::Unknown);
        }
        self.take(digest(state, ""), now)
    }

    /// The installation that [`issue_bound`](Self::issue_bound) gave this state for, in this browser. From now on the
    /// state is unknown; but a wrong `browser` does not use it up, so that nobody else can spoil it.
    ///
    /// # Errors
    /// [`StateError::Unknown`] and [`StateError::Expired`]. The error converts to a [`Reply`](lifecycle_core::Reply).
    pub fn redeem_bound(
        &self,
        state: &str,
        browser: &str,
        now: SystemTime,
    ) -> Result<InstallationId, StateError> {
        if state.len() != InstallState::LEN || browser.len() != InstallState::LEN {
            return Err(StateError::Unknown);
        }
        self.take(digest(state, browser), now)
    }

    /// How many states are waiting, expired ones included.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn remember(&self, digest: Digest, installation: InstallationId, now: SystemTime) {
        let mut pending = self.lock();
        while pending.oldest().is_some_and(|oldest| self.expired(oldest, now)) {
            pending.drop_oldest();
        }
        while pending.len() >= self.capacity {
            pending.drop_oldest();
        }
        pending.add(Entry { digest, installation, issued: now });
    }

    fn take(&self, digest: Digest, now: SystemTime) -> Result<InstallationId, StateError> {
        let entry = self.lock().remove(&digest).ok_or(StateError::Unknown)?;
        if self.expired(&entry, now) { Err(StateError::Expired) } else { Ok(entry.installation) }
    }

    /// A clock that was set back makes nothing older.
    fn expired(&self, entry: &Entry, now: SystemTime) -> bool {
        now.duration_since(entry.issued).is_ok_and(|age| age > self.lifetime)
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for InstallStates {
    fn default() -> Self {
        Self::new(Self::LIFETIME, Self::CAPACITY)
    }
}

impl fmt::Debug for InstallStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallStates")
            .field("lifetime", &self.lifetime)
            .field("capacity", &self.capacity)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
