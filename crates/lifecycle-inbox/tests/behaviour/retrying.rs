//! Dead letters that are retried after later deliveries of their tenant are done.

use std::sync::{Arc, Mutex};

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
use lifecycle_inbox::{Engine, MemoryEngine, Store};
use test_adapter::Log;

use crate::support::{put, settled, start};

/// Fails each request the first time, and notes what it is told the second.
#[derive(Clone, Default)]
struct Second(Arc<Mutex<Vec<Told>>>);

/// A request, and what has overtaken it.
type Told = (String, Option<i64>);

#[async_trait]
impl LifecycleHandler for Second {
    async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let told = (delivery.event().request_id().unwrap().to_owned(), delivery.overtaken_by());
        let mut seen = self.0.lock().unwrap();
        seen.push(told.clone());
        if told.0.starts_with("fails") && seen.iter().filter(|(id, _)| *id == told.0).count() == 1 {
            return Err("not yet".into());
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_handler_and_the_log_are_told_what_has_overtaken_a_retried_delivery() {
    let (log, _logging) = Log::start("lifecycle::inbox=info");
    let (engine, handler) = (MemoryEngine::new(), Second::default());
    let first = put(&engine, "t", "fails").await;
    let later = put(&engine, "t", "works").await;
    let alone = put(&engine, "u", "fails too").await;
    let (_, worker) = Store::new(engine.clone()).open(handler.clone());
    let _worker = start(worker.attempts(1));
    settled(&engine).await;
    assert!(!log.take().contains("overtaken_by"));
    for id in [first, alone] {
        assert!(engine.retry(id, engine.now()).await.unwrap());
    }
    settled(&engine).await;
    let seen = handler.0.lock().unwrap();
    let mut told = seen[3..].to_vec();
    told.sort();
    assert_eq!(told, [("fails".to_owned(), Some(later.0)), ("fails too".to_owned(), None)]);
    assert!(seen[..3].iter().all(|(_, overtaken_by)| overtaken_by.is_none()));
    let text = log.take();
    let of_first: Vec<&str> = text.lines().filter(|line| line.contains("overtaken_by")).collect();
    assert_eq!(of_first.len(), 1, "{text}");
    assert!(of_first[0].contains("id=1 ") && of_first[0].contains("overtaken_by=2"), "{text}");
}
