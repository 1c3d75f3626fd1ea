//! The evidence of one epoch: records made, folded, kept.

use crate::evidence::{
    Collector, EvidenceDigest, EvidenceError, MetricSpec, Pairing, PairingOptions, Sample, Snapshot,
    StageSplit,
};
use crate::rollout::Stage;
use crate::store::{EvidenceWriter, StoredStage};

/// Evidence as it comes in.
#[derive(Debug)]
pub(super) struct Gathering {
    pairing: Pairing,
    collector: Collector,
    digest: EvidenceDigest,
    /// A record that could not be folded. From then on nothing here can be trusted.
    refused: Option<EvidenceError>,
    /// On its way to the disk; `None` while a blocking task has it.
    pub(super) writer: Option<EvidenceWriter>,
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
        writer: EvidenceWriter,
    ) -> Result<Self, EvidenceError> {
        Ok(Self {
            pairing: Pairing::new(options),
            collector: Collector::new(specs)?,
            digest: EvidenceDigest::default(),
            refused: None,
            writer: Some(writer),
        })
    }

    /// An epoch as it was kept, in the middle of the stage that was under way, in which clients were split like this.
    pub(super) fn resumed(
        specs: &[MetricSpec],
        options: PairingOptions,
        writer: EvidenceWriter,
        split: StageSplit,
        stages: &[StoredStage],
    ) -> Result<Self, EvidenceError> {
        let mut gathering = Self::new(specs, options.clone(), writer)?;
        for stage in stages {
            gathering.collector.open_stage();
            for record in &stage.records {
                gathering.collector.push(record)?;
                gathering.digest.push(record);
            }
        }
        let records = stages.iter().flat_map(|stage| &stage.records);
        gathering.pairing = Pairing::resumed(options, split, records);
        Ok(gathering)
    }

    /// A stage begins in which clients and copies are split like this.
    pub(super) fn open_stage(&mut self, split: StageSplit) {
        self.pairing.open_stage(split);
        self.collector.open_stage();
    }

    /// Takes what samples say. A record that cannot be folded is kept all the same, so that whoever judges
    /// again meets the same fault.
    pub(super) fn take(&mut self, samples: &[Sample]) {
        for sample in samples {
            for record in self.pairing.records(sample) {
                if let Err(error) = self.collector.push(&record) {
                    self.refused.get_or_insert(error);
                }
                self.digest.push(&record);
                if let Some(writer) = &mut self.writer {
                    writer.push(record);
                }
            }
        }
    }

    pub(super) const fn snapshot(&self) -> &Snapshot {
        self.collector.snapshot()
    }

    pub(super) const fn records(&self) -> u64 {
        self.collector.snapshot().records()
    }

    pub(super) fn digest(&self) -> String {
        self.digest.clone().text_so_far()
    }

    pub(super) const fn refused(&self) -> Option<&EvidenceError> {
        self.refused.as_ref()
    }
}
