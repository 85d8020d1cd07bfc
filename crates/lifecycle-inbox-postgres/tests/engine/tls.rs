//! TLS to a server that speaks it.

use std::fs;
use std::path::PathBuf;

use lifecycle_inbox_postgres::{OpenError, PostgresEngine, Settings};
use test_postgres::Server;

use crate::put;

/// A server with a certificate for this name, and the file that has it.
fn server(name: &str) -> (Server, PathBuf) {
    let own = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = own.cert.pem();
    let file = std::env::temp_dir().join(format!("lifecycle-{}-{name}.pem", std::process::id()));
    fs::write(&file, &certificate).unwrap();
    (Server::start_tls(&certificate, &own.signing_key.serialize_pem()), file)
}

#[tokio::test]
async fn a_session_is_encrypted_and_its_server_known() {
    let (server, file) = server("127.0.0.1");
    for mode in ["require", "prefer"] {
        let settings = Settings::new(&format!("{}?sslmode={mode}", server.url())).unwrap();
        let error = PostgresEngine::open_with(settings.clone()).await.unwrap_err();
        assert!(matches!(error, OpenError::Tls(_)), "nobody vouches for it: {error:?}");

        let engine = PostgresEngine::open_with(settings.root_certificates(&file)).await.unwrap();
        let nth = if mode == "require" { 1 } else { 2 };
        put(&engine, "t", nth).await;
        let client = crate::support::connect(&format!("{}?sslmode=disable", server.url())).await.unwrap();
        let plain = "SELECT count(*), count(*) FILTER (WHERE NOT ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'lifecycle-inbox'";
        let row = client.query_one(plain, &[]).await.unwrap();
        assert!(row.get::<_, i64>(0) > 0);
        assert_eq!(row.get::<_, i64>(1), 0, "no session is in the clear");
    }
    fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let (server, file) = server("elsewhere.example");
    let settings = Settings::new(&format!("{}?sslmode=require", server.url())).unwrap();
    let error = PostgresEngine::open_with(settings.root_certificates(&file)).await.unwrap_err();
    assert!(matches!(error, OpenError::Tls(_)), "{error:?}");

    let url = format!("{}?sslmode=verify-ca", server.url());
    let error = PostgresEngine::open(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::Tls(_)), "nobody vouches for it: {error:?}");
    PostgresEngine::open(&format!("{url}&sslrootcert={}", file.display())).await.unwrap();
    fs::remove_file(file).unwrap();
}
