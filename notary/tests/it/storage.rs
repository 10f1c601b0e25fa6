//! Does the storage keep what it said that it keeps, in either database, for one process and one network?

use ledger_notary::{
    records::{Network, NetworkId},
    storage::{BATCH_ENTRIES_MAX, Storage, StorageError},
};
use sqlx::{Connection, SqliteConnection};

use crate::postgres::Postgres;

fn network(name: &str) -> Network {
    Network {
        network_id: NetworkId::try_from(name.to_owned()).unwrap(),
        chain_id: 6301,
    }
}

fn entry(number: u64) -> Vec<u8> {
    // The first is empty, and all bytes occur.
    (0..number).map(|byte| u8::try_from(byte % 256).unwrap()).collect()
}

async fn keeps_entries_in_order(url: &str) {
    let ours = network("test-net");
    let mut storage = Storage::open(url, &ours).await.unwrap();
    assert!(storage.is_empty());
    assert!(storage.read(0).await.unwrap().is_empty());
    let count = u64::from(BATCH_ENTRIES_MAX) + 10;
    for number in 0..count {
        storage.append(&entry(number)).await.unwrap();
    }
    storage.close().await.unwrap();

    let mut storage = Storage::open(url, &ours).await.unwrap();
    assert_eq!(storage.len(), count);
    let mut read = storage.read(0).await.unwrap();
    assert_eq!(read.len(), usize::from(BATCH_ENTRIES_MAX), "a batch at a time");
    read.extend(storage.read(u64::from(BATCH_ENTRIES_MAX)).await.unwrap());
    assert_eq!(read, (0..count).map(entry).collect::<Vec<_>>());
    assert!(storage.read(count).await.unwrap().is_empty());
    storage.append(b"next").await.unwrap();
    assert_eq!(storage.read(count).await.unwrap(), [b"next"]);
}

async fn lets_one_process_in(url: &str) {
    let ours = network("test-net");
    let first = Storage::open(url, &ours).await.unwrap();
    let second = Storage::open(url, &ours).await;
    assert!(matches!(second, Err(StorageError::Taken)), "{second:?}");
    first.close().await.unwrap();
    Storage::open(url, &ours).await.unwrap().close().await.unwrap();
}

async fn belongs_to_one_network(url: &str) {
    Storage::open(url, &network("test-net"))
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let error = Storage::open(url, &network("other-net")).await.unwrap_err().to_string();
    assert!(error.contains("test-net") && error.contains("other-net"), "{error}");
}

#[tokio::test]
async fn sqlite_keeps_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    keeps_entries_in_order(&url("entries?#%.db")).await;
    assert!(
        folder.path().join("entries?#%.db").exists(),
        "the name is taken as it is"
    );
    lets_one_process_in(&url("locked.db")).await;
    belongs_to_one_network(&url("network.db")).await;
}

#[tokio::test]
async fn postgresql_keeps_what_it_said() {
    let Some(server) = Postgres::start() else {
        return;
    };
    keeps_entries_in_order(&server.database("entries")).await;
    lets_one_process_in(&server.database("locked")).await;
    belongs_to_one_network(&server.database("network")).await;
}

#[tokio::test]
async fn an_entry_that_is_gone_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entries.db");
    let url = format!("sqlite:{}", file.display());
    let ours = network("test-net");
    let mut storage = Storage::open(&url, &ours).await.unwrap();
    for number in 0..5 {
        storage.append(&entry(number)).await.unwrap();
    }
    storage.close().await.unwrap();
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("DELETE FROM notary_entries WHERE seq = 2")
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    let mut storage = Storage::open(&url, &ours).await.unwrap();
    let error = storage.read(0).await.unwrap_err();
    assert!(matches!(error, StorageError::Hole { expected: 2 }), "{error}");
}

#[tokio::test]
async fn addresses_of_other_kinds_are_refused_and_never_repeated() {
    let secret = "mysql://notary:hunter2@localhost/notary";
    for url in [secret, "postgres://notary:hunter2@localhost:port/notary", "notary.db"] {
        let error = Storage::open(url, &network("test-net")).await.unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
