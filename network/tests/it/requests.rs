//! Does every question get its answer, and is every wrong answer named and held against whoever gave it?

use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use futures::{StreamExt, stream::FuturesUnordered};
use ledger_chainspec::{Block, BlockHash, BlockNumber, Endorsement, FinalityCertificate, Header, SetId, Slot};
use ledger_network::{
    BLOCKS_PER_REQUEST_MAX, HASHES_PER_REQUEST_MAX, IncomingRequest, Misbehaviour, NetworkOptions, Rate, Request,
    RequestError, Response, STATE_BYTES_MAX, WireError,
};

use crate::{
    house::{GENESIS, Node, id, key, options, patiently, status},
    stranger::{Happened, Stranger},
};

async fn pair(answerer: NetworkOptions, mut asker: NetworkOptions) -> (Node, Node) {
    let answerer = Node::start(answerer);
    asker.bootnodes = vec![answerer.address().await];
    let asker = Node::start(asker);
    answerer.until_connected(asker.id).await;
    asker.until_connected(answerer.id).await;
    (asker, answerer)
}

fn block(number: u64) -> Block {
    Block {
        header: Header {
            number,
            ..Header::default()
        },
        transactions: vec![],
    }
}

fn certificate() -> FinalityCertificate {
    FinalityCertificate {
        set_id: SetId::new(1),
        height: BlockNumber::new(6),
        slot: Slot::new(9),
        hash: block(6).hash(),
        signatures: vec![],
    }
}

/// One question of each kind, with its answer.
fn questions() -> Vec<(Request, Response)> {
    let hash = BlockHash::new(B256::repeat_byte(5));
    let endorsement = Endorsement::sign(GENESIS, Slot::new(3), vec![B256::repeat_byte(6); 2], &key(1));
    vec![
        (
            Request::Blocks {
                from: BlockNumber::new(5),
                count: BLOCKS_PER_REQUEST_MAX,
            },
            Response::Blocks {
                blocks: vec![block(5), block(6)],
                certificate: Some(certificate()),
            },
        ),
        (
            Request::Block {
                number: BlockNumber::new(5),
                hash,
            },
            Response::Block(Some(Box::new(block(5)))),
        ),
        (
            Request::Transactions {
                block: hash,
                hashes: vec![B256::repeat_byte(1), B256::repeat_byte(2)],
            },
            Response::Transactions(vec![None, Some(Bytes::from_static(b"transaction"))]),
        ),
        (
            Request::StateManifest {
                block: BlockNumber::new(5),
            },
            Response::State(Some(vec![7; STATE_BYTES_MAX].into())),
        ),
        (
            Request::StateChunk {
                block: hash,
                cursor: vec![1, 2, 3],
            },
            Response::State(None),
        ),
        (
            Request::Endorse {
                transactions: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
            },
            Response::Endorsements(vec![endorsement]),
        ),
        (
            Request::Hashes {
                from: BlockNumber::new(5),
                count: HASHES_PER_REQUEST_MAX,
            },
            Response::Hashes(vec![B256::repeat_byte(7); 8_192]),
        ),
    ]
}

async fn next_request(node: &mut Node) -> IncomingRequest {
    patiently(node.events.requests.recv()).await.unwrap()
}

/// Asks and answers at the same time.
async fn exchange(
    asker: &Node,
    answerer: &mut Node,
    request: Request,
    response: Response,
) -> Result<Response, RequestError> {
    let (result, ()) = tokio::join!(patiently(asker.handle.request(answerer.id, request.clone())), async {
        let incoming = next_request(answerer).await;
        assert_eq!((incoming.from, &incoming.request), (asker.id, &request));
        incoming.answer(response);
    });
    result
}

#[tokio::test]
async fn questions_of_every_kind_are_answered() {
    let (asker, mut answerer) = pair(options(1), options(2)).await;
    for (request, response) in questions() {
        let got = exchange(&asker, &mut answerer, request, response.clone()).await;
        assert_eq!(got, Ok(response));
    }
    // A status is answered by the network itself.
    assert_eq!(
        asker.handle.request(answerer.id, Request::Status(status(1))).await,
        Err(RequestError::Busy)
    );
    answerer.handle.set_status(status(7));
    match asker.handle.request(answerer.id, Request::Status(status(1))).await {
        Ok(Response::Status(got)) => {
            assert_eq!(got.head, BlockNumber::new(7));
            assert!(got.unix_ms > 1_600_000_000_000, "{got:?}");
        }
        other => panic!("{other:?}"),
    }
    asker.stop().await;
    answerer.stop().await;
}

#[tokio::test]
async fn a_validator_is_told_apart_and_a_dropped_question_is_refused_as_busy() {
    let (asker, mut answerer) = pair(options(1), options(2)).await;
    for is_validator in [false, true] {
        if is_validator {
            answerer.handle.set_validators(vec![asker.id]);
            answerer
                .until("a validator", |peers| {
                    peers.get(asker.id).is_some_and(|peer| peer.is_validator)
                })
                .await;
        }
        let request = Request::StateManifest {
            block: BlockNumber::new(1),
        };
        let (result, ()) = tokio::join!(asker.handle.request(answerer.id, request), async {
            let incoming = next_request(&mut answerer).await;
            assert_eq!(incoming.is_validator, is_validator);
            drop(incoming);
        });
        assert_eq!(result, Err(RequestError::Busy));
    }
    assert_eq!(
        asker.handle.request(id(77), Request::Status(status(1))).await,
        Err(RequestError::NotConnected)
    );
    asker.stop().await;
    answerer.stop().await;
}

#[tokio::test]
async fn an_answer_of_another_kind_is_held_against_its_author() {
    let (asker, mut answerer) = pair(options(1), options(2)).await;
    let (request, _) = questions().remove(0);
    let error = exchange(&asker, &mut answerer, request, Response::State(None))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        RequestError::WrongKind {
            expected: "blocks",
            got: "state"
        }
    );
    assert_eq!(error.fault(), Some(Misbehaviour::WrongKind));
    let lost = 100 - Misbehaviour::WrongKind.points();
    asker
        .until("points lost", |peers| {
            peers
                .get(answerer.id)
                .is_some_and(|peer| peer.score == i32::try_from(lost).unwrap())
        })
        .await;
    asker.stop().await;
    answerer.stop().await;
}

#[tokio::test]
async fn a_question_that_nobody_answers_fails_in_time() {
    let mut impatient = options(2);
    impatient.limits.request_timeout = Duration::from_secs(1);
    let (asker, mut answerer) = pair(options(1), impatient).await;
    let request = Request::StateManifest {
        block: BlockNumber::new(1),
    };
    let (result, held) = tokio::join!(
        patiently(asker.handle.request(answerer.id, request)),
        next_request(&mut answerer)
    );
    let error = result.unwrap_err();
    assert_eq!(error, RequestError::Timeout { seconds: 1 });
    assert_eq!(error.fault(), Some(Misbehaviour::TooSlow));
    drop(held);
    asker.stop().await;
    answerer.stop().await;
}

#[tokio::test]
async fn what_no_request_may_ask_for_is_not_asked() {
    let node = Node::start(options(1));
    let block = BlockHash::new(B256::ZERO);
    let from = BlockNumber::new(1);
    let long = Bytes::from(vec![1; ledger_chainspec::TRANSACTION_BYTES_MAX]);
    let too_much = |what, got, max| RequestError::TooMuch { what, got, max };
    for (request, error) in [
        (Request::Blocks { from, count: 0 }, RequestError::Nothing),
        (Request::Blocks { from, count: 129 }, too_much("blocks", 129, 128)),
        (Request::Hashes { from, count: 0 }, RequestError::Nothing),
        (Request::Hashes { from, count: 8_193 }, too_much("hashes", 8_193, 8_192)),
        (
            Request::Transactions {
                block,
                hashes: vec![B256::ZERO; 4_097],
            },
            too_much("transactions", 4_097, 4_096),
        ),
        (
            Request::StateChunk {
                block,
                cursor: vec![0; 257],
            },
            too_much("bytes of cursor", 257, 256),
        ),
        (
            Request::Endorse {
                transactions: vec![Bytes::new()],
            },
            RequestError::Nothing,
        ),
        (
            Request::Endorse {
                transactions: vec![long.clone(); 3],
            },
            too_much(
                "bytes to endorse",
                3 * long.len() + 15,
                ledger_network::REQUEST_BYTES_MAX,
            ),
        ),
    ] {
        assert_eq!(node.handle.request(id(9), request).await, Err(error));
    }
    // At the bounds only the peer is missing.
    for request in [
        Request::Blocks { from, count: 128 },
        Request::Endorse {
            transactions: vec![long.clone(); 2],
        },
    ] {
        assert_eq!(Request::from_payload(&request.to_payload()).as_ref(), Ok(&request));
        assert_eq!(
            node.handle.request(id(9), request).await,
            Err(RequestError::NotConnected)
        );
    }
    node.stop().await;
}

#[tokio::test]
async fn who_asks_too_much_or_too_much_at_once_is_told_to_wait() {
    let mut strict = options(1);
    strict.limits.requests = Rate::per_second(1, 6);
    strict.limits.requests_per_peer_max = 2;
    let mut asker = options(2);
    asker.limits.requests_to_peer_max = 3;
    let (asker, mut answerer) = pair(strict, asker).await;
    let request = || Request::StateManifest {
        block: BlockNumber::new(1),
    };
    let to = answerer.id;
    let ask = || asker.handle.request(to, request());
    // Two are taken, the third is one too many for the answerer, the fourth for the asker. The two that fail come first, since
    // the others are held.
    let mut results = FuturesUnordered::from_iter([ask(), ask(), ask(), ask()]);
    let held = [
        patiently(results.next()).await.unwrap().unwrap_err(),
        patiently(results.next()).await.unwrap().unwrap_err(),
    ];
    assert!(held.contains(&RequestError::Busy), "{held:?}");
    assert!(held.contains(&RequestError::TooMany { under_way: 3 }), "{held:?}");
    for _ in 0..2 {
        next_request(&mut answerer).await.answer(Response::State(None));
    }
    while let Some(result) = patiently(results.next()).await {
        assert_eq!(result, Ok(Response::State(None)));
    }
    drop(results);

    // Three of six are used up; after at most as many as the bucket holds and gains, the rest is refused.
    let start = tokio::time::Instant::now();
    let answered = async {
        let mut answered = 0;
        for _ in 0..40 {
            match ask().await {
                Ok(_) => answered += 1,
                Err(error) => assert_eq!(error, RequestError::Busy),
            }
        }
        answered
    };
    let answered = tokio::select! {
        answered = patiently(answered) => answered,
        () = async {
            while let Some(incoming) = answerer.events.requests.recv().await {
                incoming.answer(Response::State(None));
            }
        } => panic!("the answerer stopped"),
    };
    let gained = start.elapsed().as_secs() + 1;
    assert!((3..=3 + gained).contains(&answered), "{answered} of 40, {gained} s");
    answerer
        .until("blamed", |peers| {
            peers.get(asker.id).is_some_and(|peer| peer.score < 100)
        })
        .await;
    asker.stop().await;
    answerer.stop().await;
}

/// How many of two questions get the long answers that are given at the same time.
async fn answered_at_once(asker: &Node, answerer: &mut Node) -> usize {
    let to = answerer.id;
    let ask = || {
        let block = BlockNumber::new(1);
        patiently(asker.handle.request(to, Request::StateManifest { block }))
    };
    let (one, other, ()) = tokio::join!(ask(), ask(), async {
        let both = [next_request(answerer).await, next_request(answerer).await];
        for incoming in both {
            incoming.answer(Response::State(Some(vec![7; 2 << 20].into())));
        }
    });
    [one, other].into_iter().filter(Result::is_ok).count()
}

#[tokio::test]
async fn answers_that_strangers_have_not_taken_are_bounded_and_a_validator_gets_its_own() {
    let mut strict = options(1);
    strict.limits.anonymous_unsent_bytes_max = 1 << 20;
    let (asker, mut answerer) = pair(strict, options(2)).await;
    // Twice, since what has gone makes room again.
    assert_eq!(answered_at_once(&asker, &mut answerer).await, 1);
    assert_eq!(answered_at_once(&asker, &mut answerer).await, 1);
    answerer.handle.set_validators(vec![asker.id]);
    answerer
        .until("a validator", |peers| {
            peers.get(asker.id).is_some_and(|peer| peer.is_validator)
        })
        .await;
    assert_eq!(answered_at_once(&asker, &mut answerer).await, 2);
    asker.stop().await;
    answerer.stop().await;
}

/// A node that is connected to a stranger which answers everything with `answer`, but a status with nothing.
async fn with_stranger(answer: fn(&[u8]) -> Vec<u8>) -> (Node, Stranger) {
    let node = Node::start(options(1));
    let mut stranger = Stranger::dial(&node.address().await, GENESIS, answer);
    assert_eq!(stranger.next().await, Happened::Connected);
    node.until_connected(stranger.id).await;
    (node, stranger)
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_named() {
    type Case = (fn(&[u8]) -> Vec<u8>, fn(&RequestError) -> bool);
    let cases: [Case; 4] = [
        (
            |_| vec![2, 6],
            |error| matches!(error, RequestError::Wire(WireError::Version { got: 2, .. })),
        ),
        (
            |_| vec![1, 6, 0],
            |error| matches!(error, RequestError::Wire(WireError::Trailing { left: 1, .. })),
        ),
        (
            |_| vec![1, 9],
            |error| matches!(error, RequestError::Wire(WireError::Malformed { bytes: 2, .. })),
        ),
        (
            |_| vec![1; 100_000],
            |error| matches!(error, RequestError::Wire(WireError::TooLong { max, .. }) if *max < 100_000),
        ),
    ];
    for (number, (answer, is_right)) in cases.into_iter().enumerate() {
        let (node, stranger) = with_stranger(answer).await;
        let request = Request::Endorse {
            transactions: vec![Bytes::from_static(b"one")],
        };
        let error = patiently(node.handle.request(stranger.id, request)).await.unwrap_err();
        assert!(is_right(&error), "case {number}: {error:?}");
        assert!(matches!(error.fault(), Some(Misbehaviour::Payload(_))));
        node.until("points lost", |peers| {
            peers.get(stranger.id).is_some_and(|peer| peer.score <= 75)
        })
        .await;
        node.stop().await;
    }
}

#[tokio::test]
async fn a_stranger_that_only_talks_nonsense_is_let_go() {
    let (node, mut stranger) = with_stranger(|_| vec![]).await;
    for bytes in [vec![1], vec![7], vec![1, 99], vec![1, 1, 0]] {
        stranger.ask(bytes);
    }
    let mut happened = Vec::new();
    while happened.last() != Some(&Happened::Closed) {
        happened.push(stranger.next().await);
    }
    assert!(
        !happened
            .iter()
            .any(|what| matches!(what, Happened::Response(Some(bytes)) if !bytes.is_empty())),
        "{happened:?}"
    );
    node.until_gone(stranger.id).await;
    node.stop().await;
}

/// Whose database is not open yet cannot say how it stands. It is asked again before the next usual time, or its clock would not be known
/// for as long.
#[tokio::test]
async fn a_peer_that_cannot_say_yet_how_it_stands_is_asked_again_soon() {
    let mut seldom = options(1);
    let hour = Duration::from_secs(3_600);
    (seldom.limits.status_interval, seldom.limits.status_interval_idle) = (hour, hour);
    let starting = Node::start(options(2));
    seldom.bootnodes = vec![starting.address().await];
    let asker = Node::start(seldom);
    asker.handle.set_status(status(3));
    // It was asked: what the asker said of itself is there.
    starting
        .until("the first question", |peers| {
            peers.get(asker.id).is_some_and(|peer| peer.status.is_some())
        })
        .await;
    starting.handle.set_status(status(3));
    asker
        .until("measured", |peers| {
            peers
                .get(starting.id)
                .is_some_and(|peer| peer.clock_offset_ms.is_some())
        })
        .await;
    asker.stop().await;
    starting.stop().await;
}

#[tokio::test]
async fn questions_that_were_given_up_before_they_came_are_no_fault() {
    let node = Node::start(options(1));
    let mut stranger = Stranger::dial(&node.address().await, GENESIS, |_| vec![]);
    assert_eq!(stranger.next().await, Happened::Connected);
    for _ in 0..10 {
        stranger.ask(vec![]);
    }
    stranger.ask(vec![7]);
    // A fault of 25 points, and none of the others: four would have been the end of it.
    let peers = node
        .until("points lost", |peers| {
            peers.get(stranger.id).is_some_and(|peer| peer.score < 100)
        })
        .await;
    assert_eq!(peers.get(stranger.id).unwrap().score, 75);
    let mut answers = 0;
    while answers < 11 {
        match stranger.next().await {
            Happened::Response(_) => answers += 1,
            Happened::Closed => panic!("it was let go"),
            Happened::Connected | Happened::NoConnection => {}
        }
    }
    assert_eq!(node.until_connected(stranger.id).await.score, 75);
    node.stop().await;
}

#[tokio::test]
async fn the_clock_of_a_peer_is_measured() {
    let (one, other) = pair(options(2), options(1)).await;
    one.handle.set_status(status(3));
    other.handle.set_status(status(4));
    let peers = one
        .until("measured", |peers| {
            peers
                .get(other.id)
                .is_some_and(|peer| peer.clock_offset_ms.is_some() && peer.rtt.is_some())
        })
        .await;
    let peer = peers.get(other.id).unwrap();
    assert_eq!(peer.status.map(|status| status.head), Some(BlockNumber::new(4)));
    assert_eq!(peer.agent, "test/2");
    let offset = peers.clock_offset_ms().unwrap();
    assert!(offset.abs() < 2_000, "{offset} ms on one machine");
    one.stop().await;
    other.stop().await;

    // A stranger whose clock is an hour ahead: its answer is our own status with another time.
    let node = Node::start(options(1));
    node.handle.set_status(status(3));
    let stranger = Stranger::dial(&node.address().await, GENESIS, |request| {
        let mut answer = request.to_vec();
        let (_, time) = answer.split_last_chunk_mut::<8>().unwrap();
        *time = (u64::from_le_bytes(*time) + 3_600_000).to_le_bytes();
        answer
    });
    let peers = node
        .until("measured", |peers| {
            peers
                .get(stranger.id)
                .is_some_and(|peer| peer.clock_offset_ms.is_some())
        })
        .await;
    let behind = peers.clock_offset_ms().unwrap();
    assert!(
        (-3_600_000 - 2_000..=-3_600_000 + 5_000).contains(&behind),
        "{behind} ms"
    );
    node.stop().await;
}
