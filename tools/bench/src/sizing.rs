//! What the cost of a hold means for more nodes: arithmetic, and no measurement.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Shards that each node has, as docs/scaling.md advises.
const SHARDS_PER_NODE: usize = 8;
const TRIALS: u32 = 2_000;
/// Processors of a node. Another number scales every line.
const CORES: f64 = 4.0;
const NODES: [usize; 3] = [2, 8, 32];
const SHOPS: [usize; 3] = [10, 100, 1_000];

/// Prints how much the cluster takes until its fullest node is full, from the processor time of a
/// hold that goes with others, and of a whole sale that goes alone, in microseconds.
pub(crate) fn print(hold_us: f64, sale_us: f64) {
    println!(
        "\ncomputed, not measured: combined holds, and whole sales, a second until the fullest \
         node is full;\nnodes with {CORES} cores, all shops sell alike, each in a random shard\n  \
         {:<12}{:>26}{:>26}{:>26}",
        "", "2 nodes", "8 nodes", "32 nodes"
    );
    for shops in SHOPS {
        print!("  {:<12}", format!("{shops} shops"));
        for nodes in NODES {
            let share = fullest_share(shops, nodes);
            let rate = |cost_us: f64| CORES * 1e6 / cost_us / share;
            let both = format!("{:.0} and {:.0}", rate(hold_us), rate(sale_us));
            print!("{both:>26}");
        }
        println!();
    }
}

/// The share of all shops that the fullest node has, on average.
fn fullest_share(shops: usize, nodes: usize) -> f64 {
    let mut random = StdRng::seed_from_u64(1);
    let mut sum = 0_usize;
    for _ in 0..TRIALS {
        let mut shops_of = vec![0_usize; nodes];
        for _ in 0..shops {
            let shard = random.random_range(0..nodes * SHARDS_PER_NODE);
            shops_of[shard % nodes] += 1;
        }
        sum += shops_of.into_iter().max().unwrap_or(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (sum, shops) = (sum as f64, shops as f64);
    sum / f64::from(TRIALS) / shops
}

#[cfg(test)]
mod tests {
    use super::fullest_share;

    #[test]
    fn the_fullest_node_has_more_than_its_share() {
        let fair = |nodes: u32| 1.0 / f64::from(nodes);
        for (nodes, shops) in [(2, 10), (8, 100), (32, 1_000)] {
            let share = fullest_share(shops, nodes as usize);
            assert!(share > fair(nodes) && share < 3.0 * fair(nodes), "{share}");
        }
        // one shop is on one node
        assert!((fullest_share(1, 8) - 1.0).abs() < 1e-9);
    }
}
