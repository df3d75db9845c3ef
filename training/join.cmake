# What answers the rows that ask: the choice of a strategy, and the pass over history.
larder_library(larder_join
    SOURCES
        ask_index.c
        ask_log.c
        best_rows.c
        history_readers.c
        join.c
        partitions.c
        pass.c
        spill.c
    LINKS
        larder_offline
        Threads::Threads)
