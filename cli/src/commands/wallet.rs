//! The commands of the wallet folder. They need no node.

use crate::{
    args::{SignerArgs, WalletCommand},
    error::CliError,
    output::{Report, pairs, table},
    wallet::{Wallet, WalletFolder, read_foreign},
};

pub(super) fn run(command: &WalletCommand, args: &SignerArgs) -> Result<Report, CliError> {
    let folder = WalletFolder::new(args.wallet.wallet_dir.as_deref())?;
    let password_file = args.password_file.as_deref();
    match command {
        WalletCommand::New { name } => {
            let wallet = folder.create(name, None, password_file)?;
            Ok(made(&wallet))
        }
        WalletCommand::Import { file, name, index } => {
            let key = read_foreign(file, *index, password_file)?;
            let wallet = folder.create(name, Some(key), password_file)?;
            Ok(made(&wallet))
        }
        WalletCommand::List => {
            let wallets = folder.list()?;
            let rows: Vec<_> = wallets
                .iter()
                .map(|wallet| vec![wallet.name.clone(), wallet.address.to_string()])
                .collect();
            let report = Report::new(table(&["WALLET", "ADDRESS"], &rows), &wallets);
            Ok(if wallets.is_empty() {
                report.with_next("There is no wallet yet. Make one: passport wallet new.".to_owned())
            } else {
                report
            })
        }
        WalletCommand::Show { name } => {
            let wallet = folder.find(name.as_deref().or(args.wallet.wallet.as_deref()))?;
            Ok(Report::new(shown(&wallet), &wallet))
        }
    }
}

fn made(wallet: &Wallet) -> Report {
    Report::new(shown(wallet), wallet).with_next(
        "Keep a copy of the file and remember the password: nobody can give you either again. Then: passport request SPEC."
            .to_owned(),
    )
}

fn shown(wallet: &Wallet) -> String {
    pairs(&[
        ("Wallet", wallet.name.clone()),
        ("Address", wallet.address.to_string()),
        ("File", wallet.file.display().to_string()),
    ])
}
