# For a machine with an NVIDIA GPU and its container toolkit:
#   docker build -t pconv_edu . && docker run --gpus all --ipc=host -p 127.0.0.1:8888:8888 -v "$PWD/runs:/course/runs" pconv_edu
# Not built by the project yet: there was no Docker where it was written. hub.docker.com/r/pytorch/pytorch lists the tags.
FROM pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime

WORKDIR /course
# The image's torch and torchvision stay: they match its CUDA, and the package accepts them.
COPY . .
RUN pip install --no-cache-dir -e '.[classical,metrics,onnx,hub,tensorboard]' 'jupyterlab>=4.2'
ENV OMP_NUM_THREADS=4
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "--allow-root", "--ServerApp.root_dir=.", "nbs/00_start_here.ipynb"]
