"""How one item comes here, from a server, a storage or a disk: guarded, limited, resumed, and never joined wrongly.

    receive     one attempt: from where the URL says
    request     one HTTP request with its redirects, over `exchange`, which sends it, and `guard`, which connects
    resume      where a transfer goes on that was cut short; `part`, what has come
    gate        how many exchanges with one host at a time; `hosts` and `leases`, over a whole cluster
    patience    hosts that asked for time; `robots`, hosts that ask not to be asked
    urls        what of a URL identifies an item, and what of it nobody may see

`rushes.files.download` repeats attempts, and is what others call.
"""
