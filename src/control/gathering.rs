//! The evidence of one epoch: records made, folded, kept.

use std::path::PathBuf;

use crate::domain::Share;
use crate::evidence::{Collector, EvidenceError, MetricSpec, Pairing, PairingOptions, Sample, Snapshot};
use crate::rollout::Stage;
use crate::store::{EvidencePlace, EvidenceWriter, StoredStage};

/// Evidence as it comes in.
#[derive(Debug)]
pub(super) struct Gathering {
    pairing: Pairing,
    collector: Collector,
    /// On its way to the disk; absent only while it is there.
    pub(super) writer: EvidenceWriter,
    /// A record that could not be folded. From then on nothing here can be trusted.
    pub(super) refused: Option<EvidenceError>,
}

/// Where `stage` stands among all stages, and its name: the directory of its evidence.
pub(super) const fn place_of(stage: Stage) -> (usize, &'static str) {
    let ordinal = match stage {
        Stage::Prepare => 0,
        Stage::Gate => 1,
        Stage::Mirror => 2,
        Stage::Ramp { index } => 3 + index,
        // No live evidence is gathered behind the ramp.
        Stage::Drain | Stage::KeepWarm | Stage::Done | Stage::RolledBack => usize::MAX,
    };
    (ordinal, stage.name())
}

impl Gathering {
    /// An empty epoch.
    pub(super) fn new(
        specs: &[MetricSpec],
        options: PairingOptions,
        root: PathBuf,
        place: EvidencePlace,
    ) -> Result<Self, EvidenceError> {
        Ok(Self {
            pairing: Pairing::new(options),
            collector: Collector::new(specs)?,
            writer: EvidenceWriter::new(root, place),
            refused: None,
        })
    }

    /// An epoch as it was kept. Each stored stage opened a wallet. No key counts any more in the stage that
    /// was under way: which ones had counted is not kept, and a key that counts twice breaks the promise;
    /// mirrored pairs go on.
    pub(super) fn resumed(
        specs: &[MetricSpec],
        options: PairingOptions,
        writer: EvidenceWriter,
        stages: &[StoredStage],
    ) -> Result<Self, EvidenceError> {
        let mut collector = Collector::new(specs)?;
        let mut last = 0;
        for stage in stages {
            collector.open_stage();
            for record in &stage.records {
                collector.push(record)?;
                last = record.seq();
            }
        }
        Ok(Self { pairing: Pairing::resumed(options, last), collector, writer, refused: None })
    }

    /// A stage begins in which the candidate has `share`.
    pub(super) fn open_stage(&mut self, share: Share) {
        self.pairing.open_stage(share);
        self.collector.open_stage();
    }

    /// Takes what samples say.
    pub(super) fn take(&mut self, samples: &[Sample]) {
        for record in samples.iter().flat_map(|sample| self.pairing.records(sample)).collect::<Vec<_>>() {
            if let Err(error) = self.collector.push(&record) {
                self.refused.get_or_insert(error);
            }
            self.writer.push(record);
        }
    }

    pub(super) const fn snapshot(&self) -> &Snapshot {
        self.collector.snapshot()
    }

    pub(super) const fn records(&self) -> u64 {
        self.collector.snapshot().records()
    }
}
