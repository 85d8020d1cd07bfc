//! The handler at its endpoint, which does everything while the platform waits.

use std::error::Error;

use test_app::forms::{Form, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(Form::Bare).await
}
