//! How is the log served as static files? In tiles of 256 hashes and bundles of 256 leaves (C2SP tlog-tiles), which never change
//! once they are full, so that any server, mirror or cache can hand them out.
//!
//! Readers ask for `checkpoint` first, then for the tiles that a log of that size has.

use thiserror::Error;
use tlog_tiles::Tile;

use super::Log;

/// Levels of the tree in a tile: 256 hashes.
const HEIGHT: u8 = 8;

/// Most leaves of a bundle.
pub const BUNDLE_LEAVES_MAX: u64 = 1 << HEIGHT;

/// Longest leaf of a bundle: its length is written in two bytes.
pub const LEAF_BYTES_MAX: usize = (1 << 16) - 1;

/// A leaf does not fit a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a leaf of a bundle has at most {LEAF_BYTES_MAX} bytes, got {bytes}")]
pub struct LeafTooLong {
    /// Its bytes.
    pub bytes: usize,
}

/// A static file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileFile {
    /// Its path, below where the log is served.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A bundle of leaves that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Its path, below where the log is served.
    pub path: String,
    /// Place of its first leaf.
    pub first: u64,
    /// How many leaves it has.
    pub leaves: u64,
}

impl Log {
    /// The tiles that are new since the log had `old` leaves.
    ///
    /// # Panics
    /// Never: the hashes of every leaf are there.
    pub fn tiles_since(&self, old: u64) -> Vec<TileFile> {
        let tiles = Tile::new_tiles(HEIGHT, old, self.size());
        let file = |tile: Tile| TileFile {
            path: path(&tile),
            bytes: tile.read_data(self).expect("the hashes of every leaf are there"),
        };
        tiles.into_iter().map(file).collect()
    }

    /// The bundles that are new since the log had `old` leaves.
    pub fn bundles_since(&self, old: u64) -> Vec<Bundle> {
        let tiles = Tile::new_tiles(HEIGHT, old, self.size()).into_iter();
        let bundle = |mut tile: Tile| {
            tile.set_is_data();
            Bundle {
                path: path(&tile),
                first: tile.level_index() * BUNDLE_LEAVES_MAX,
                leaves: tile.width().into(),
            }
        };
        tiles.filter(|tile| tile.level() == 0).map(bundle).collect()
    }
}

/// The content of a bundle: each leaf after its length.
///
/// # Errors
/// [`LeafTooLong`] for the first leaf that has no such length.
pub fn bundled<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, LeafTooLong> {
    let mut bundle = Vec::new();
    for leaf in leaves {
        let bytes = leaf.len();
        let length = u16::try_from(bytes).map_err(|_| LeafTooLong { bytes })?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(leaf);
    }
    Ok(bundle)
}

/// The library names the height too, which C2SP fixes, and calls leaves data.
fn path(tile: &Tile) -> String {
    let path = tile.path();
    let path = path.strip_prefix("tile/8/").expect("every tile has this height");
    match path.strip_prefix("data/") {
        Some(bundle) => format!("tile/entries/{bundle}"),
        None => format!("tile/{path}"),
    }
}
