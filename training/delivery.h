/*
 * delivery.h - a training set and its manifest, put in their places.
 *
 * Called by training_set.c at its end. Whatever ends the process meanwhile, a manifest that stands
 * beside a file is of that file: the old one goes before its file does, the new one comes behind
 * its own, and both are complete before either happens, so that a full disk changes nothing.
 */
#ifndef LARDER_TRAINING_DELIVERY_H
#define LARDER_TRAINING_DELIVERY_H

#include "training/formats/output_file.h"
#include "training/manifest.h"

/* The file is complete, and manifest->out_path its name. manifest_path: NULL if none is wanted.
 * is_same: the file has the bytes of one that was, whose manifest goes on to hold. */
enum status delivery_place(struct output_file *file, const struct manifest *manifest,
                           const char *manifest_path, bool is_same, struct error *err);

#endif
