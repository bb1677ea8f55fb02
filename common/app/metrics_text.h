/* metrics_text.h - prints the registry as Prometheus text (version 0.0.4) and as Markdown.
 *
 * Threads: any thread. Memory: none retained. Errors: write errors stay in the FILE.
 */
#ifndef WARD_APP_METRICS_TEXT_H
#define WARD_APP_METRICS_TEXT_H

#include "common/base/metrics.h"

#include <stdio.h>

#define WARD_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Prints every listed family. Histogram buckets are cumulative, and _count equals the last
 * bucket, so that a scrape between two updates is consistent. */
void ward_metrics_print(FILE *to);
/* Prints the rows of docs/metrics.md: name, type, labels, help. */
void ward_metrics_markdown(FILE *to);

/* Lists ward_build_info and the process_ families of every Prometheus client. */
void ward_process_metrics(void);

#endif
