/*
 * training_notes.h - what a training set was made from, as notes in its own schema: of the manifest
 * that stands beside it, what decides the bytes. docs/training-sets.md names each.
 *
 * Made by training_set.c when the asks have their checksum. One that is made again has the notes
 * that it had, so that its bytes can be the same.
 */
#ifndef LARDER_TRAINING_TRAINING_NOTES_H
#define LARDER_TRAINING_TRAINING_NOTES_H

#include "training/formats/table_writer.h"
#include "training/manifest.h"

/* again: the manifest of the one that is made again, or NULL. In the manifest's arena. */
void training_notes_make(const struct manifest *manifest, const struct manifest *again,
                         struct table_schema *schema);

#endif
