//! The handler behind an inbox.

use std::error::Error;

use test_app::forms::{Form, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(Form::Durable).await
}
