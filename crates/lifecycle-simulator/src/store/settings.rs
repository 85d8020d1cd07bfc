//! Settings of the simulator itself in the database.

use rusqlite::{OptionalExtension, params};

use super::{EngineError, Store};

/// The token of the page's forms.
const FORM_TOKEN: &str = "form_token";

impl Store {
    /// What goes into every form, so that no other page can send one. It outlives a restart, as open pages do.
    pub(crate) fn form_token(&self) -> Result<String, EngineError> {
        let connection = self.lock();
        let sql = "SELECT value FROM setting WHERE name = ?1";
        let known = connection.query_row(sql, [FORM_TOKEN], |row| row.get(0)).optional()?;
        if let Some(known) = known {
            return Ok(known);
        }
        let token = crate::tenant::random_id("");
        connection
            .execute("INSERT INTO setting (name, value) VALUES (?1, ?2)", params![FORM_TOKEN, token])?;
        Ok(token)
    }
}
