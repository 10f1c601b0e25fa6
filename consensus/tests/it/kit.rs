//! What the tests share: keys, a chain without execution, and a node that carries out effects at once and in order.

use std::{collections::VecDeque, num::NonZeroU64, rc::Rc, sync::Arc};

use alloy_primitives::{Address, B256, U256, keccak256};
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    AuthorityDigest, Block, BlockHash, BlockNumber, ConsensusKey, FinalityCertificate, Header, MemberId,
    PrevoteCertificate, PrevoteSignature, RecoveryOrder, RecoveryPoint, SealedHeader, SetId, Slot, Statement,
    StatementKind, UnixMillis, Validator, ValidatorSet, Vote, seal_hash, with_digest,
};
use ledger_consensus::{
    Alarm, BuildOutcome, BuildRequest, ChainParams, Effect, Engine, EngineConfig, EngineStart, Evidence, FinalHead,
    GuardRecord, GuardStart, Input, Message, Origin, Proposal, Rejection, Reproposal, Schedule, SignedStatement,
    ValidationOutcome, message::Place,
};

/// Duration of a slot.
pub const SLOT_MS: u64 = 1_000;
/// The slot of the genesis block; tests start in the one after.
pub const GENESIS_SLOT: u64 = 1_000;
/// Slots between heartbeats.
pub const HEARTBEAT_SLOTS: u64 = 100;
const GAS_LIMIT: u64 = 30_000_000;

/// The key of validator `index`.
pub fn key(index: usize) -> SigningKey {
    SigningKey::from_bytes(&keccak256(format!("consensus test validator {index}")).0)
}

/// The validator `index`.
pub fn validator(index: usize) -> Validator {
    let key = ConsensusKey::of(&key(index));
    let account = Address::from_slice(&keccak256(key.get())[12..]);
    let member_id = MemberId::new(u32::try_from(index).unwrap() + 1);
    Validator {
        consensus_key: key,
        account,
        checkpoint_key: account,
        peer_id: key.get().to_vec(),
        member_id,
    }
}

/// A set of these validators.
pub fn set_of(id: u64, indices: &[usize]) -> Arc<ValidatorSet> {
    Arc::new(ValidatorSet::new(SetId::new(id), indices.iter().map(|index| validator(*index)).collect()).unwrap())
}

/// A chain: its parameters, its genesis, and who governs when.
pub struct Chain {
    pub params: ChainParams,
    pub genesis: SealedHeader,
    /// Sets by the first height they govern, ascending; the first governs from height 0.
    pub sets: Vec<(u64, Arc<ValidatorSet>)>,
    /// The block that orders a recovery, and what it orders.
    pub order: Option<(u64, RecoveryOrder)>,
}

impl Chain {
    /// A chain that the first `n` validators govern for good.
    pub fn of(n: usize) -> Rc<Self> {
        Self::with_sets(vec![(0, set_of(0, &(0..n).collect::<Vec<_>>()))])
    }

    /// A chain whose sets change.
    pub fn with_sets(sets: Vec<(u64, Arc<ValidatorSet>)>) -> Rc<Self> {
        let header = Header {
            timestamp: GENESIS_SLOT * SLOT_MS / 1_000,
            gas_limit: GAS_LIMIT,
            base_fee_per_gas: Some(0),
            ..Header::default()
        };
        let genesis = SealedHeader::new(header);
        let params = ChainParams {
            genesis: genesis.hash.as_genesis(),
            schedule: Schedule::new(NonZeroU64::new(SLOT_MS).unwrap()),
            heartbeat_slots: HEARTBEAT_SLOTS,
            transactions_per_slot: 100,
            gas_limit: GAS_LIMIT,
        };
        Rc::new(Self {
            params,
            genesis,
            sets,
            order: None,
        })
    }

    /// A chain that the first `n` validators govern, whose block `number` orders a recovery.
    pub fn ordering(n: usize, number: u64, order: RecoveryOrder) -> Rc<Self> {
        let mut chain = Self::of(n);
        Rc::get_mut(&mut chain).expect("nobody else has it").order = Some((number, order));
        chain
    }

    fn ordered_by(&self, number: u64) -> Option<RecoveryOrder> {
        self.order.filter(|(at, _)| *at == number).map(|(_, order)| order)
    }

    /// The set that governs `height`.
    pub fn set_at(&self, height: u64) -> Arc<ValidatorSet> {
        self.sets
            .iter()
            .rev()
            .find(|(from, _)| *from <= height)
            .unwrap()
            .1
            .clone()
    }

    /// The genesis block as head.
    pub fn genesis_head(&self) -> FinalHead {
        FinalHead {
            header: self.genesis.clone(),
            certificate: None,
            signers: self.set_at(0),
            set: self.set_at(1),
            recovery: self.ordered_by(0),
        }
    }

    /// The head that a committed block makes.
    pub fn head_after(&self, block: &Block, certificate: FinalityCertificate) -> FinalHead {
        let number = block.header.number;
        FinalHead {
            header: SealedHeader::new(block.header.clone()),
            certificate: Some(certificate),
            signers: self.set_at(number),
            set: self.set_at(number + 1),
            recovery: self.ordered_by(number),
        }
    }

    /// What a build yields: an empty block that `salt` tells from others of its slot.
    pub fn build(&self, request: &BuildRequest, salt: u64) -> Block {
        let number = request.parent.header.number + 1;
        let header = Header {
            parent_hash: request.parent.hash.get(),
            number,
            timestamp: request.timestamp,
            beneficiary: request.beneficiary,
            gas_limit: GAS_LIMIT,
            base_fee_per_gas: Some(0),
            state_root: B256::from(U256::from(salt)),
            withdrawals_root: Some(empty_root()),
            ..Header::default()
        };
        let digest = AuthorityDigest {
            recovery: self
                .ordered_by(request.parent.header.number)
                .map(|order| RecoveryPoint {
                    order,
                    height: BlockNumber::new(0),
                    state_root: B256::ZERO,
                }),
            slot: request.slot,
            next_set_hash: self.set_at(number + 1).hash(),
            parent_certificate: request.parent_certificate.clone(),
            seal: None,
        };
        Block {
            header: with_digest(header, &digest),
            transactions: Vec::new(),
        }
    }

    /// The request that the authority of `slot` would get on `head`.
    pub fn request(&self, head: &FinalHead, slot: u64) -> BuildRequest {
        BuildRequest::on(head, &self.params, Slot::new(slot))
    }

    /// The place of statements on `head`.
    pub fn place(&self, head: &FinalHead) -> Place {
        head.place(self.params.genesis)
    }

    /// A block of `slot` on `head`, sealed by its authority.
    pub fn sealed(&self, head: &FinalHead, slot: u64, salt: u64) -> Arc<Block> {
        let block = self.build(&self.request(head, slot), salt);
        Arc::new(self.seal(head, block, &authority_key(head, slot)))
    }

    /// Seals a block with `key`, right or wrong.
    pub fn seal(&self, head: &FinalHead, block: Block, key: &SigningKey) -> Block {
        let mut digest = ledger_chainspec::digest_of(&block.header).unwrap();
        let hash = seal_hash(&block.header, &digest);
        let statement = self.place(head).statement(StatementKind::Seal, digest.slot, hash, None);
        digest.seal = Some(statement.sign(key));
        Block {
            header: with_digest(block.header, &digest),
            transactions: block.transactions,
        }
    }

    /// A new block as a message.
    pub fn proposal(&self, head: &FinalHead, slot: u64, salt: u64) -> Proposal {
        Proposal {
            block: self.sealed(head, slot, salt),
            again: None,
        }
    }

    /// A block proposed again in `slot` with these certificates, newest first.
    pub fn reproposal(
        &self,
        head: &FinalHead,
        block: &Arc<Block>,
        slot: u64,
        certificates: Vec<PrevoteCertificate>,
    ) -> Proposal {
        let valid = certificates.first().map(|certificate| certificate.slot);
        let statement = self
            .place(head)
            .statement(StatementKind::Seal, Slot::new(slot), block.hash(), valid);
        let signature = statement.sign(&authority_key(head, slot));
        Proposal {
            block: block.clone(),
            again: Some(Reproposal {
                slot: Slot::new(slot),
                signature,
                certificates,
            }),
        }
    }

    /// A vote of the validator at `index` of the head's set.
    pub fn vote(&self, head: &FinalHead, index: usize, cast: Cast) -> Vote {
        let validator = head.set.get(index).unwrap().consensus_key;
        let valid = cast.valid.map(Slot::new);
        let statement = self
            .place(head)
            .statement(cast.kind, Slot::new(cast.slot), cast.hash, valid);
        Vote::sign(&statement, &key_of(&validator))
    }

    /// The prevote certificate that these validators make, each resting on its slot.
    pub fn prevotes(
        &self,
        head: &FinalHead,
        slot: u64,
        hash: BlockHash,
        voters: &[(usize, Option<u64>)],
    ) -> PrevoteCertificate {
        let signatures = voters.iter().map(|(index, valid)| {
            let vote = self.vote(
                head,
                *index,
                Cast {
                    kind: StatementKind::Prevote,
                    slot,
                    hash,
                    valid: *valid,
                },
            );
            PrevoteSignature {
                index: u16::try_from(*index).unwrap(),
                valid_slot: vote.valid_slot,
                signature: vote.signature,
            }
        });
        let Place { set_id, height, .. } = self.place(head);
        PrevoteCertificate {
            set_id,
            height,
            slot: Slot::new(slot),
            hash,
            signatures: signatures.collect(),
        }
    }

    /// The finality certificate that these validators make.
    pub fn finality(&self, head: &FinalHead, slot: u64, hash: BlockHash, voters: &[usize]) -> FinalityCertificate {
        let signatures = voters.iter().map(|index| {
            let cast = Cast {
                kind: StatementKind::Precommit,
                slot,
                hash,
                valid: None,
            };
            (u16::try_from(*index).unwrap(), self.vote(head, *index, cast).signature)
        });
        let Place { set_id, height, .. } = self.place(head);
        FinalityCertificate {
            set_id,
            height,
            slot: Slot::new(slot),
            hash,
            signatures: signatures.collect(),
        }
    }
}

/// What a test's vote says.
#[derive(Clone, Copy)]
pub struct Cast {
    pub kind: StatementKind,
    pub slot: u64,
    pub hash: BlockHash,
    pub valid: Option<u64>,
}

/// A prevote without a certificate.
pub fn prevote(slot: u64, hash: BlockHash) -> Cast {
    Cast {
        kind: StatementKind::Prevote,
        slot,
        hash,
        valid: None,
    }
}

/// A precommit.
pub fn precommit(slot: u64, hash: BlockHash) -> Cast {
    Cast {
        kind: StatementKind::Precommit,
        slot,
        hash,
        valid: None,
    }
}

/// The root of an empty list of withdrawals, which is the root of any empty list.
fn empty_root() -> B256 {
    Header::default().transactions_root
}

/// The key of the slot's authority.
pub fn authority_key(head: &FinalHead, slot: u64) -> SigningKey {
    key_of(&head.set.authority(Slot::new(slot)).consensus_key)
}

/// The private half of a test validator's key.
pub fn key_of(public: &ConsensusKey) -> SigningKey {
    (0..16).map(key).find(|key| ConsensusKey::of(key) == *public).unwrap()
}

/// The moment `ms` after the start of `slot`.
pub fn at(slot: u64, ms: u64) -> UnixMillis {
    UnixMillis::new(slot * SLOT_MS + ms)
}

/// What a node wants from others.
#[derive(Clone, Debug)]
pub enum Outgoing {
    Broadcast(Message),
    Send { to: Origin, message: Message },
    Fetch(BlockHash),
    CatchUp(Origin),
}

/// What survives a crash.
#[derive(Clone, Default)]
pub struct Disk {
    /// The guard record, as stored bytes.
    pub guard: Option<Vec<u8>>,
    /// Committed heads with their blocks, from block 1.
    pub chain: Vec<(FinalHead, Arc<Block>)>,
}

/// An engine with a driver that does everything at once.
pub struct Node {
    pub chain: Rc<Chain>,
    pub key: SigningKey,
    pub engine: Engine,
    pub disk: Disk,
    pub now: UnixMillis,
    pub outgoing: Vec<Outgoing>,
    pub alarms: Vec<Alarm>,
    pub evidence: Vec<Evidence>,
    pub rejections: Vec<Rejection>,
    /// Everything ever signed, over all restarts.
    pub signed: Vec<SignedStatement>,
    pub wake: Option<UnixMillis>,
    pub builds: Vec<BuildRequest>,
    /// Effects that may still be carried out before the process dies.
    pub effects_left: Option<usize>,
    pub crashed: bool,
    /// What a validation says.
    pub outcome: ValidationOutcome,
    /// Tells blocks of one slot apart.
    pub salt: u64,
    /// Do builds and validations go unanswered until the test answers them?
    pub defers_work: bool,
    /// Blocks whose validation was asked for.
    pub validations: Vec<BlockHash>,
    /// Does a build find anything to include?
    pub finds_work: bool,
}

impl Node {
    /// A fresh node of validator `index`, in the slot after genesis.
    pub fn new(chain: &Rc<Chain>, index: usize) -> Self {
        Self::start(
            chain,
            key(index),
            Disk::default(),
            GuardStart::Fresh,
            at(GENESIS_SLOT + 1, 0),
        )
    }

    /// A node that starts with what is on its disk.
    pub fn start(chain: &Rc<Chain>, key: SigningKey, mut disk: Disk, guard: GuardStart, now: UnixMillis) -> Self {
        if matches!(guard, GuardStart::Fresh) {
            let record = GuardRecord::fresh(chain.params.genesis, ConsensusKey::of(&key));
            disk.guard = Some(parity_scale_codec::Encode::encode(&record));
        }
        let head = disk
            .chain
            .last()
            .map_or_else(|| chain.genesis_head(), |(head, _)| head.clone());
        let config = EngineConfig {
            params: chain.params,
            voter: Some(ConsensusKey::of(&key)),
        };
        let (engine, effects) = Engine::new(config, EngineStart { head, guard, now }).unwrap();
        let mut node = Self {
            chain: chain.clone(),
            salt: u64::from(ConsensusKey::of(&key).get()[0]),
            key,
            engine,
            disk,
            now,
            outgoing: Vec::new(),
            alarms: Vec::new(),
            evidence: Vec::new(),
            rejections: Vec::new(),
            signed: Vec::new(),
            wake: None,
            builds: Vec::new(),
            effects_left: None,
            crashed: false,
            outcome: ValidationOutcome::Valid,
            finds_work: true,
            defers_work: false,
            validations: Vec::new(),
        };
        node.run(effects);
        node
    }

    /// The guard as a restart finds it.
    pub fn stored_guard(&self) -> GuardStart {
        self.disk.guard.as_ref().map_or(GuardStart::Lost, |bytes| {
            GuardStart::Found(Box::new(GuardRecord::from_bytes(bytes).unwrap()))
        })
    }

    /// The process dies and starts again at `now` with `guard`. What was ever signed and seen stays known to the test.
    pub fn restart(&mut self, guard: GuardStart, now: UnixMillis) {
        let mut next = Self::start(&self.chain, self.key.clone(), self.disk.clone(), guard, now);
        next.signed.splice(0..0, std::mem::take(&mut self.signed));
        next.alarms.splice(0..0, std::mem::take(&mut self.alarms));
        next.evidence.splice(0..0, std::mem::take(&mut self.evidence));
        next.outgoing.splice(0..0, std::mem::take(&mut self.outgoing));
        next.salt = self.salt + 1;
        *self = next;
    }

    pub fn head(&self) -> FinalHead {
        self.disk
            .chain
            .last()
            .map_or_else(|| self.chain.genesis_head(), |(head, _)| head.clone())
    }

    pub fn height(&self) -> u64 {
        self.head().header.header.number
    }

    /// The time passes to `now`.
    pub fn tick(&mut self, now: UnixMillis) {
        self.now = now;
        self.input(Input::Tick);
    }

    /// A peer says something.
    pub fn hear(&mut self, message: Message) {
        self.input(Input::Message {
            from: Origin(99),
            message,
        });
    }

    /// A peer proposes a block for the first time.
    pub fn propose(&mut self, block: &Arc<Block>) {
        let block = block.clone();
        self.hear(Message::Proposal(Proposal { block, again: None }));
    }

    /// Hands over a fact and carries out all that follows.
    pub fn input(&mut self, input: Input) {
        if !self.crashed {
            let effects = self.engine.handle(self.now, input);
            self.run(effects);
        }
    }

    fn run(&mut self, effects: Vec<Effect>) {
        let mut queue: VecDeque<Effect> = effects.into();
        while let Some(effect) = queue.pop_front() {
            if let Some(left) = &mut self.effects_left {
                if *left == 0 {
                    self.crashed = true;
                    return;
                }
                *left -= 1;
            }
            if let Some(input) = self.carry_out(effect) {
                queue.extend(self.engine.handle(self.now, input));
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Build(request) => {
                self.builds.push((*request).clone());
                if self.defers_work {
                    return None;
                }
                let outcome = if self.finds_work || request.heartbeat {
                    BuildOutcome::Block(Box::new(self.chain.build(&request, self.salt)))
                } else {
                    BuildOutcome::Nothing
                };
                return Some(Input::Built {
                    slot: request.slot,
                    outcome,
                });
            }
            Effect::Validate { block } => {
                self.validations.push(block.hash());
                if self.defers_work {
                    return None;
                }
                return Some(Input::Validated {
                    hash: block.hash(),
                    outcome: self.outcome,
                });
            }
            Effect::StoreGuard(write) => {
                self.disk.guard = Some(parity_scale_codec::Encode::encode(write.record()));
                return Some(Input::GuardStored(write.stored()));
            }
            Effect::Sign(permission) => {
                let statement: Statement = *permission.statement();
                let signature = statement.sign(&self.key);
                self.signed.push(SignedStatement { statement, signature });
                return Some(Input::Signed(permission.signed(signature)));
            }
            Effect::Finalize { block, certificate } => {
                let head = self.chain.head_after(&block, certificate);
                self.disk.chain.push((head.clone(), block));
                return Some(Input::Imported(Box::new(head)));
            }
            Effect::Broadcast(message) => self.outgoing.push(Outgoing::Broadcast(message)),
            Effect::Send { to, message } => self.outgoing.push(Outgoing::Send { to, message }),
            Effect::FetchBlock { hash, .. } => self.outgoing.push(Outgoing::Fetch(hash)),
            Effect::CatchUp { from, .. } => self.outgoing.push(Outgoing::CatchUp(from)),
            Effect::WakeAt(at) => self.wake = Some(at),
            Effect::Evidence(evidence) => self.evidence.push(*evidence),
            Effect::Reject { rejection, .. } => self.rejections.push(rejection),
            Effect::Alarm(alarm) => self.alarms.push(alarm),
        }
        None
    }

    /// The votes broadcast and not taken yet.
    pub fn take_votes(&mut self) -> Vec<Vote> {
        let outgoing = std::mem::take(&mut self.outgoing);
        let votes = outgoing.into_iter().filter_map(|one| match one {
            Outgoing::Broadcast(Message::Vote(vote)) => Some(vote),
            _ => None,
        });
        votes.collect()
    }
}

/// No two statements ever signed under one key contradict each other.
pub fn assert_consistent(signed: &[SignedStatement]) {
    for (position, one) in signed.iter().enumerate() {
        for other in &signed[position + 1..] {
            let found = ledger_consensus::equivocation::contradiction(&one.statement, &other.statement);
            assert_eq!(found, None, "{:?}\ncontradicts\n{:?}", one.statement, other.statement);
        }
    }
}
