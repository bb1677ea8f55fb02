/* metrics_text.h - the registry as Prometheus text (version 0.0.4) and as Markdown.
 *
 * Threads: any. Memory: none kept. Errors: the FILE's.
 */
#ifndef WARD_APP_METRICS_TEXT_H
#define WARD_APP_METRICS_TEXT_H

#include "common/base/metrics.h"

#include <stdio.h>

#define WARD_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Every listed family. Histogram buckets come out cumulative, and _count is their last one, so
 * that a scrape agrees with itself however it falls between two updates. */
void ward_metrics_print(FILE *to);
/* Rows of docs/metrics.md: name, type, labels, help. */
void ward_metrics_markdown(FILE *to);

/* Lists ward_build_info and the process_ families every Prometheus client has. */
void ward_process_metrics(void);

#endif
