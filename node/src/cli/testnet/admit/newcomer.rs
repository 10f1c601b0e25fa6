//! Who joins? A cloud with a node of its own in the network: the one of an earlier attempt, or a new one with new keys.
//!
//! Which cloud runs a node stands in the state file, beside the node: it is written once all keys are there and nobody has seen one.

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use ledger_notary::records::{NotaryId, PlainText};

use super::{AdmitArgs, Chain, Children, Interrupt, Network, NodeFiles, Shell, TestnetError, Voice};
use crate::{
    cli::testnet::{
        files::{address_spec, prepare_joined},
        network::await_answers,
        plan::{JOINED_MAX, Planned, Role},
        ports,
    },
    error::NodeError,
    keys::{Password, account},
};

/// Who joins.
pub(super) struct Newcomer {
    pub(super) id: NotaryId,
    pub(super) name: String,
    pub(super) planned: Planned,
    pub(super) files: NodeFiles,
    pub(super) account: Address,
    /// Its node's place in the network.
    index: usize,
    /// Whether the keys are of this attempt.
    is_new: bool,
}

/// What a cloud is called that is given no name.
fn usual_name(planned: &Planned) -> String {
    format!("Cloud {}", planned.number.saturating_add(1))
}

impl Newcomer {
    /// The cloud that `args` mean: of that name, or else the newest without a name, if the chain has not admitted it yet. A new one if
    /// there is none.
    ///
    /// # Errors
    /// [`NodeError::Testnet`] if its name is taken or no more can join, or its files cannot be written.
    pub(super) fn find_or_add(network: &mut Network, args: &AdmitArgs, chain: &Chain) -> Result<Self, NodeError> {
        match Self::find(network, args, chain)? {
            Some(found) => Ok(found),
            None => Self::add(network, args, chain),
        }
    }

    fn find(network: &Network, args: &AdmitArgs, chain: &Chain) -> Result<Option<Self>, NodeError> {
        let nodes = network.state.planned().enumerate();
        let joined = nodes.filter(|(_, (planned, _))| planned.role == Role::Joined);
        let mut clouds = joined.filter_map(|(index, (planned, known))| Some((index, planned, known.cloud.clone()?)));
        let found = match &args.name {
            Some(name) => clouds.find(|(.., cloud)| cloud == name),
            None => clouds
                .last()
                .filter(|(_, planned, cloud)| *cloud == usual_name(planned)),
        };
        let Some((index, planned, name)) = found else {
            return Ok(None);
        };
        let newcomer = Self::of(network, (index, planned), name)?;
        // Without a name, the same command again means the next cloud once this one has been admitted.
        let is_meant = args.name.is_some() || !chain.has_admitted(&newcomer.account)?;
        Ok(is_meant.then_some(newcomer))
    }

    /// Adds a node to the network, with its keys.
    fn add(network: &mut Network, args: &AdmitArgs, chain: &Chain) -> Result<Self, NodeError> {
        let usage = |reason: String| NodeError::from(TestnetError::Usage(reason));
        let mut shape = network.state.shape;
        if shape.joined >= JOINED_MAX {
            return Err(usage(format!(
                "{JOINED_MAX} clouds have joined this testnet, which is the most"
            )));
        }
        shape.joined += 1;
        let planned = shape.plan().pop().expect("somebody joined");
        let name = args.name.clone().unwrap_or_else(|| usual_name(&planned));
        PlainText::try_from(name.clone()).map_err(|error| usage(format!("--name: {error}")))?;
        let is_taken = network
            .state
            .nodes
            .iter()
            .any(|node| node.cloud.as_ref() == Some(&name));
        if is_taken || chain.has_cloud(&name)? {
            return Err(usage(format!("there is a cloud {name:?} already: give another --name")));
        }
        shape.check()?;
        ports::check(std::iter::once(&planned), &[])?;
        let node = prepare_joined(&network.folder, &planned, &name)?;
        network.state.shape = shape;
        network.state.nodes.push(node);
        network.save()?;
        let index = network.state.nodes.len() - 1;
        Ok(Self {
            is_new: true,
            ..Self::of(network, (index, planned), name)?
        })
    }

    fn of(network: &Network, (index, planned): (usize, Planned), name: String) -> Result<Self, NodeError> {
        let id = format!("cloud-{}", planned.number.saturating_add(1));
        let files = network.folder.files(&planned.name);
        Ok(Self {
            id: NotaryId::try_from(id).map_err(|error| TestnetError::Usage(error.to_string()))?,
            name,
            account: account::keystore_address(&files.account)?,
            planned,
            files,
            index,
            is_new: false,
        })
    }

    /// The key of its account.
    pub(super) fn signer(&self) -> Result<PrivateKeySigner, NodeError> {
        let password = Password::from_file(&self.files.password)?;
        Ok(account::read_keystore(&self.files.account, &password)?)
    }

    /// Its node answers; it is started if it does not run.
    pub(super) fn start(
        &self,
        mut network: Network,
        voice: &Voice,
        shell: &Shell,
        interrupt: &mut Interrupt,
    ) -> Result<(), NodeError> {
        let node = &self.planned.name;
        match self.is_new {
            true => shell.tell(&format!("{} gets keys, a folder and a node: {node}.", self.name)),
            false => shell.done(&format!("{} has keys and a folder, of {node}", self.name)),
        }
        let mut children = Children::default();
        if !network.state.nodes[self.index].is_alive() {
            ports::check(std::iter::once(&self.planned), &[])?;
            address_spec(&network.folder, &network.state)?;
            return Ok(network.start(&[self.index], voice, &mut children, interrupt)?);
        }
        await_answers(&network.folder, std::slice::from_ref(node), &mut children, interrupt)?;
        network.state.nodes[self.index].answered = true;
        network.save()?;
        shell.done(&format!("{node} runs"));
        Ok(())
    }
}
