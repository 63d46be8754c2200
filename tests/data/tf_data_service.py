"""One process of a tf.data service: the dispatcher, or a worker where its address is given."""

import sys

import tensorflow as tf

service = tf.data.experimental.service

if __name__ == "__main__":
    if addresses := sys.argv[1:]:
        server = service.WorkerServer(service.WorkerConfig(dispatcher_address=addresses[0]))
        print("ready", flush=True)
    else:
        server = service.DispatchServer()
        print(server.target, flush=True)
    server.join()
