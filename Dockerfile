# KEC+ Studio. TORCH_INDEX adds PyTorch's builds for CPUs; "https://pypi.org/simple" leaves those for NVIDIA's GPUs.
FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN apt-get update \
 && apt-get install -y --no-install-recommends wordnet-base \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 kec \
 && mkdir -p /photos /projects /cache && chown kec /projects /cache
WORKDIR /opt/kec
ENV KEC_CACHE_DIR=/cache PYTHONUNBUFFERED=1

COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --extra-index-url ${TORCH_INDEX} -c constraints.txt -r requirements.txt

COPY . .
RUN pip install --no-cache-dir --no-deps -e .

USER kec
RUN kec setup

VOLUME ["/projects", "/cache"]
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
ENTRYPOINT ["kec"]
CMD ["app", "--headless", "--projects", "/projects", "--images-root", "/photos"]
