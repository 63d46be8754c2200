"""What every kind of data stands on: the record, targets, splits and the pipeline of batches."""
