//! Puts what it lacks into a graph, as the index does.

use echofs_indexer::vectors::{Growth, Vectors, seed};

pub fn grow(vectors: &mut Vectors) {
    while let Some(growth) = vectors.growth() {
        match growth {
            Growth::Seed(rows) => vectors.plant(seed(&rows, &|| false).expect("not stopped")),
            Growth::Row(plan) => vectors.grow(plan),
        }
    }
}
